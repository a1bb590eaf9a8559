import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { nodeOptions } from '../services/service-process.js';
import { builtServices } from './built-services.js';
import { eventually } from './eventually.js';

/** A service in its own process, built as production runs it. */
export interface ServiceProcess {
  readonly url: string;
  readonly pid: number;
  /** The log lines so far, parsed. */
  readonly logs: readonly Record<string, unknown>[];
  /** Waits until the process exits by itself. Resolves with its exit code or the signal that killed it. */
  ended(timeoutMs: number): Promise<number | NodeJS.Signals | null>;
  /** Sends SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
}

const stopTimeoutMs = 30_000;

/**
 * Starts `order-api` or `processor` on a free port and resolves when it listens.
 * @param openFiles how many files it may have open. Default: as many as this process
 * @throws Error with its output if it does not listen within 30 s
 */
export async function startService(
  name: 'order-api' | 'processor',
  env: Record<string, string>,
  openFiles?: number,
): Promise<ServiceProcess> {
  const limited = openFiles === undefined ? 'exec' : `ulimit -n ${openFiles}; exec`;
  const child = spawn('sh', ['-c', `${limited} "$0" "$@"`, process.execPath, `${name}/main.js`], {
    cwd: await builtServices(),
    env: {
      ...process.env,
      NODE_OPTIONS: nodeOptions,
      APP__PORT: '0',
      APP__LOG_LEVEL: 'info',
      APP__SERVICE_NAME: name,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs: Record<string, unknown>[] = [];
  const printed = collectLines(child, logs);
  const port = await eventually(
    `${name} listens`,
    () => {
      const line = logs.find((entry) => entry['msg'] === `${name} is listening`);
      if (line) return line['port'] as number;
      throw new Error(printed().slice(-4000));
    },
    30_000,
  ).catch(async (error: unknown) => {
    await kill(child);
    throw error;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    logs,
    ended: async (timeoutMs) => {
      if (child.exitCode === null && child.signalCode === null) {
        await once(child, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
      }
      return child.exitCode ?? child.signalCode;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit', { signal: AbortSignal.timeout(stopTimeoutMs) });
      child.kill('SIGTERM');
      await exited.catch(() => kill(child));
      return child.exitCode;
    },
    kill: () => kill(child),
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function collectLines(child: ChildProcess, logs: Record<string, unknown>[]): () => string {
  let printed = '';
  let rest = '';
  child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{')) logs.push(JSON.parse(line) as Record<string, unknown>);
    }
    if (process.env['TEST_LOG_LEVEL']) process.stdout.write(chunk);
  });
  return () => printed;
}
