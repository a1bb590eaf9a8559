import { execa } from 'execa';
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
  const child = execa(name, args, {
    ...{ preferLocal: true, cwd: repositoryRoot, detached: true, reject: false },
    ...{ env: options.environment ?? {}, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' },
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
    const { exitCode, originalMessage } = await child;
    if (child.pid === undefined) throw new Error(`${name} could not be started: ${originalMessage}`);
    return exitCode ?? 1;
  } finally {
    clearTimeout(killer);
    options.stop.removeEventListener('abort', onStop);
  }
}

function workerBelow(pid: number, text: string | undefined): number {
  if (text === undefined) return pid;
  return descendantsOf(pid).find((below) => commandLineOf(below).includes(text)) ?? pid;
}
