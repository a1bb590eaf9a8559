import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { serverDirectoryVariable } from '../processes/process-tree.js';
import type { ServerDirectory } from '../processes/server-directory.js';
import { choosePort } from '../processes/ports.js';
import { isHealthy, nodeOptions } from '../services/service-process.js';
import { eventually } from '../testing/eventually.js';

const takenPorts = new Set<number>();
const stopLimitMs = 30_000;
const shownLines = 5;

export interface MeasuredProcessOptions {
  /** Names the process in error messages. */
  readonly name: string;
  /** Arguments of Node: its options, then the file. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The directory of the servers, whose mark the process carries so that it can be found and killed. */
  readonly serverDirectory: ServerDirectory;
  readonly logFile: string;
}

/** Chooses a port that no other process of this benchmark was given. */
export function chooseBenchPort(): Promise<number> {
  return choosePort(undefined, takenPorts);
}

/**
 * Starts a service of a measured system with its output in the log file. Resolves when the service is healthy.
 * @throws Error with its last log lines if it exits, or with its state if it does not become healthy
 */
export async function startMeasured(options: MeasuredProcessOptions): Promise<{ child: ChildProcess; port: number }> {
  const { name, args, cwd, settings, serverDirectory, logFile } = options;
  const port = await chooseBenchPort();
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, args, {
    cwd,
    env: {
      ...withoutSettings(process.env),
      [serverDirectoryVariable]: serverDirectory.path,
      NODE_OPTIONS: nodeOptions,
      APP__PORT: String(port),
      APP__LOG_LEVEL: 'info',
      ...settings,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  try {
    await eventually(`${name} is healthy`, async () => {
      if (!hasExited(child)) await isHealthy(port);
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  if (hasExited(child)) throw new Error(`${name} could not start: ${lastLines(logFile)}`);
  return { child, port };
}

/** Asks the process to stop, kills it after 30 seconds, and resolves when it is gone. */
export async function stopMeasured(child: ChildProcess | undefined): Promise<void> {
  if (!child || hasExited(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await exited;
  clearTimeout(killer);
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Quoted in the error, since the log file is removed together with the server directory. */
function lastLines(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').slice(-shownLines).join('\n');
}

/** Settings in the caller's environment must not change what is measured. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(APP__|TEMPORAL_)/.test(name)));
}
