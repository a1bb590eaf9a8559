import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CliError } from '../../runtime/cli-error.js';
import { killTree } from './process-tree.js';

const shownLines = 15;

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** If the command takes longer, it is killed together with its descendants. */
  limitMs: number;
  /** Kills the command in the same way. */
  signal?: AbortSignal | undefined;
  onLine?: (line: string) => void;
}

/**
 * Runs a command to completion and returns its output, standard error included.
 * @throws CliError with its last lines if it fails, cannot be started, takes too long or is aborted
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { cwd, env, uid, gid, limitMs, signal, onLine } = options;
  return new Promise((resolve, reject) => {
    const identity = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    const child = spawn(command, args, { cwd, env, ...identity, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    let ending: string | undefined;
    const end = (reason: string) => {
      ending ??= reason;
      if (child.pid !== undefined) void killTree(child.pid).catch(reject);
    };
    const onAbort = () => end('was interrupted');
    const timer = setTimeout(() => end(`took longer than ${limitMs / 1000} s`), limitMs);
    const finish = (problem: string | undefined) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (problem === undefined) {
        resolve(lines.join('\n'));
        return;
      }
      const shown = lines.slice(-shownLines).map((line) => `\n  | ${line}`);
      reject(new CliError(`${command} ${args.join(' ')} ${problem}${shown.join('')}`));
    };
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        onLine?.(line);
      });
    }
    child.once('error', (error) => finish(`could not be started: ${error.message}`));
    child.once('close', (code, by) => {
      const exit = code === null ? `was killed by ${String(by)}` : `exited with code ${code}`;
      finish(code === 0 ? ending : (ending ?? exit));
    });
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** True if the command could be started and exited with code 0 within 20 seconds. */
export async function commandWorks(
  command: string,
  args: readonly string[],
  options: Omit<CommandOptions, 'limitMs'> = {},
): Promise<boolean> {
  return runCommand(command, args, { ...options, limitMs: 20_000 }).then(
    () => true,
    () => false,
  );
}
