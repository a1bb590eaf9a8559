import { execa } from 'execa';
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
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { limitMs, signal, onLine, ...rest } = options;
  const child = execa(command, args, {
    ...rest,
    ...{ extendEnv: rest.env === undefined, detached: true, stdin: 'ignore', all: true, reject: false },
  });
  let interruption: string | undefined;
  const interrupt = (reason: string): void => {
    interruption ??= reason;
    // The limits of execa would leave the descendants of the command running.
    if (child.pid !== undefined) void killTree(child.pid).catch(console.error);
  };
  const onAbort = (): void => interrupt('was interrupted');
  const timer = setTimeout(() => interrupt(`took longer than ${limitMs / 1000} s`), limitMs);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (onLine) for await (const line of child.iterable({ from: 'all' })) onLine(line);
    const { failed, all, exitCode, signal: killer, originalMessage } = await child;
    if (!failed && interruption === undefined) return all;
    const exit = killer === undefined ? `exited with code ${exitCode}` : `was killed by ${killer}`;
    const ending = child.pid === undefined ? `could not be started: ${originalMessage}` : exit;
    const lines = all === '' ? [] : all.split('\n').slice(-shownLines);
    const shown = lines.map((line) => `\n  | ${line}`);
    throw new CliError(`${command} ${args.join(' ')} ${interruption ?? ending}${shown.join('')}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
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
