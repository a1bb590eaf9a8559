import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { ServerDirectory, Print } from '../processes/server-directory.js';
import type { LocalServer } from './local-server.js';
import { ManagedProcess } from '../processes/managed-process.js';
import { provideTemporalCli } from './temporal-cli.js';

const probeLimitMs = 3_000;

/**
 * The development server's defaults throttle one node to about 85 orders per second; these settings raise the limits.
 * There is one partition per task queue, since on a single node partitions only forward to each other.
 */
const dynamicConfig: Readonly<Record<string, number | boolean>> = {
  'frontend.rps': 100_000,
  'frontend.namespaceRPS': 100_000,
  'matching.rps': 100_000,
  'history.rps': 100_000,
  'matching.persistenceMaxQPS': 100_000,
  'history.transferProcessorMaxPollRPS': 1_000,
  'history.timerProcessorMaxPollRPS': 1_000,
  'history.visibilityProcessorMaxPollRPS': 1_000,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  'system.enableActivityEagerExecution': true,
};

export interface TemporalServerOptions {
  serverDirectory: ServerDirectory;
  port: number;
  uiPort: number;
  namespace: string;
  environment: NodeJS.ProcessEnv;
  print: Print;
  signal?: AbortSignal | undefined;
}

/**
 * Temporal's development server, on 127.0.0.1 only. Its state is in a file, so that workflows survive a restart.
 * @throws CliError if the Temporal CLI is not here and cannot be provided
 */
export async function temporalServer(options: TemporalServerOptions): Promise<LocalServer> {
  const { serverDirectory, port, environment, namespace, print, signal } = options;
  const command = await provideTemporalCli(environment, print, signal);
  const home = homeOf(serverDirectory);
  mkdirSync(home, { recursive: true });
  return new ManagedProcess({
    name: 'Temporal',
    command,
    args: serverArguments(join(home, 'temporal.db'), options),
    // The caller's TEMPORAL_* settings are meant for clients.
    env: Object.fromEntries(Object.entries(environment).filter(([key]) => !key.startsWith('TEMPORAL_'))),
    cwd: home,
    serverDirectoryPath: serverDirectory.path,
    logFile: join(serverDirectory.logs, 'temporal.log'),
    recordDirectory: serverDirectory.run,
    stopLimitMs: 20_000,
    readyLimitMs: 90_000,
    isReady: () => hasNamespace(`127.0.0.1:${port}`, namespace),
    print,
  });
}

/** Kills the server, deletes its state (workflows, namespaces, search attributes), and starts it again. */
export async function wipeTemporal(server: LocalServer, serverDirectory: ServerDirectory): Promise<void> {
  await server.kill();
  rmSync(homeOf(serverDirectory), { recursive: true, force: true });
  mkdirSync(homeOf(serverDirectory), { recursive: true });
  await server.start();
}

function homeOf(serverDirectory: ServerDirectory): string {
  return join(serverDirectory.path, 'temporal');
}

/** The arguments of the development server that are the same everywhere, apart from the path of its file. */
export function developmentServerArguments(dbFile: string): string[] {
  return [
    ...['server', 'start-dev', '--log-level', 'error', '--db-filename', dbFile],
    // A commit survives a crash of the process; only a power cut may lose the last ones.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ];
}

function serverArguments(dbFile: string, { port, uiPort, namespace }: TemporalServerOptions): string[] {
  return [
    ...developmentServerArguments(dbFile),
    ...['--ip', '127.0.0.1', '--port', String(port), '--namespace', namespace],
    ...['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort), '--ui-disable-news-fetch'],
  ];
}

async function hasNamespace(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: probeLimitMs });
  try {
    await connection.withDeadline(Date.now() + probeLimitMs, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } finally {
    await connection.close();
  }
}
