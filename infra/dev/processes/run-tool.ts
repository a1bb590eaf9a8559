import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from './server-directory.js';
import { commandLineOf, descendantsOf, killTree, signalQuietly } from './process-tree.js';

const stopLimitMs = 60_000;

export interface ToolOptions {
  environment?: NodeJS.ProcessEnv;
  /** Forwarded as SIGINT; the tool then has a minute to clean up before it is killed. */
  stop: AbortSignal;
  /** Sends the SIGINT to the descendant whose command line contains this text. Default: to the tool itself. */
  worker?: string;
}

/** Runs a tool of node_modules, shows its output, and returns its exit code (1 if a signal killed it). */
export async function runTool(name: string, args: readonly string[], options: ToolOptions): Promise<number> {
  const bin = join(repositoryRoot, 'node_modules/.bin');
  const child = spawn(join(bin, name), args, {
    cwd: repositoryRoot,
    env: { ...process.env, ...options.environment, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let killer: NodeJS.Timeout | undefined;
  const onStop = () => {
    if (child.pid === undefined) return;
    signalQuietly(workerBelow(child.pid, options.worker), 'SIGINT');
    killer = setTimeout(() => void killTree(child.pid ?? 0).catch(console.error), stopLimitMs);
  };
  if (options.stop.aborted) onStop();
  options.stop.addEventListener('abort', onStop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    clearTimeout(killer);
    options.stop.removeEventListener('abort', onStop);
  }
}

function workerBelow(pid: number, text: string | undefined): number {
  if (text === undefined) return pid;
  return descendantsOf(pid).find((below) => commandLineOf(below).includes(text)) ?? pid;
}
