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
  /** Shown to people when it does not get healthy. */
  readonly name: string;
  /** What Node is started with: options, then the file. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The servers' own, which marks the process as part of it. */
  readonly serverDirectory: ServerDirectory;
  readonly logFile: string;
}

/** A port that no other process of this benchmark has been given. */
export function chooseBenchPort(): Promise<number> {
  return choosePort(undefined, takenPorts);
}

/** Starts a service of a measured system, its output going to the log file. Resolves when it is healthy. */
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

/** Asks the process to stop, kills it after a limit, and resolves when it is gone. */
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

/** The file itself goes with the instance. */
function lastLines(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').slice(-shownLines).join('\n');
}

/** What the caller has set for services of their own must not change what is measured. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(APP__|TEMPORAL_)/.test(name)));
}
