import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Instance, Report } from '../processes/instance.js';
import type { LocalServer } from './local-server.js';
import { ManagedProcess } from '../processes/managed-process.js';
import { provideTemporalCli } from './temporal-cli.js';

const probeLimitMs = 3_000;

/**
 * The development server's defaults throttle one node to about 85 orders per second; these lift the limits out of
 * the way. One partition per task queue, since partitions only forward to each other on a single node.
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
  instance: Instance;
  port: number;
  uiPort: number;
  namespace: string;
  environment: NodeJS.ProcessEnv;
  report: Report;
  signal?: AbortSignal | undefined;
}

/**
 * Temporal's development server with its state in a file, so that workflows survive a restart, on 127.0.0.1 only.
 * @throws CliError when the Temporal CLI neither is here nor can be had
 */
export async function temporalServer(options: TemporalServerOptions): Promise<LocalServer> {
  const { instance, port, environment, namespace, report, signal } = options;
  const command = await provideTemporalCli(environment, report, signal);
  const home = homeOf(instance);
  mkdirSync(home, { recursive: true });
  return new ManagedProcess({
    name: 'Temporal',
    command,
    args: serverArguments(join(home, 'temporal.db'), options),
    // The caller's TEMPORAL_* settings are for clients.
    env: Object.fromEntries(Object.entries(environment).filter(([key]) => !key.startsWith('TEMPORAL_'))),
    cwd: home,
    instanceDirectory: instance.directory,
    logFile: join(instance.logs, 'temporal.log'),
    recordDirectory: instance.run,
    stopLimitMs: 20_000,
    readyLimitMs: 90_000,
    isReady: () => hasNamespace(`127.0.0.1:${port}`, namespace),
    report,
  });
}

/** Kills it, takes all that it remembers away, and starts it again: workflows, namespaces, search attributes. */
export async function wipeTemporal(server: LocalServer, instance: Instance): Promise<void> {
  await server.kill();
  rmSync(homeOf(instance), { recursive: true, force: true });
  mkdirSync(homeOf(instance), { recursive: true });
  await server.start();
}

function homeOf(instance: Instance): string {
  return join(instance.directory, 'temporal');
}

/** What the development server is started with everywhere, wherever it keeps its file. */
export function developmentServerArguments(dbFile: string): string[] {
  return [
    ...['server', 'start-dev', '--log-level', 'error', '--db-filename', dbFile],
    // A commit survives the end of the process; only a power cut may lose the last ones.
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
