import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ServerDirectory, Print } from '../../processes/server-directory.js';
import { ManagedProcess } from '../../processes/managed-process.js';
import { choosePort } from '../../processes/ports.js';
import { PeerUnavailable } from './peer.js';
import { restateVariables } from './restate-driver.js';

const probeLimitMs = 3000;

/** A single-node Restate server for one peer. */
export interface RestateServer {
  /** Name of the process record that leads to the server's CPU time. */
  readonly processName: string;
  /** Environment by which the peer's process finds the server, and the server finds the process. */
  readonly settings: Readonly<Record<string, string>>;
  /** Returns the number of workflows that have not completed. */
  countOpen(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts the server with its default settings, on 127.0.0.1 only, with its log in the server directory.
 * @throws PeerUnavailable if there is no binary for this platform; Error if the server does not become ready
 */
export async function startRestateServer(
  packages: string,
  serverDirectory: ServerDirectory,
  print: Print,
): Promise<RestateServer> {
  const [node, ingress, admin, endpoint] = await Promise.all([0, 1, 2, 3].map(() => choosePort()));
  const adminUrl = `http://127.0.0.1:${admin}`;
  const processName = 'Restate';
  const server = new ManagedProcess({
    name: processName,
    command: programIn(packages),
    args: ['--no-logo', '--base-dir', join(serverDirectory.path, 'restate'), '--node-name', 'bench'],
    env: {
      ...process.env,
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_BIND_PORT: String(node),
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    },
    cwd: serverDirectory.path,
    serverDirectoryPath: serverDirectory.path,
    logFile: join(serverDirectory.logs, 'restate.log'),
    recordDirectory: serverDirectory.run,
    stopLimitMs: 20_000,
    readyLimitMs: 60_000,
    isReady: async () => (await fetch(`${adminUrl}/health`, { signal: AbortSignal.timeout(probeLimitMs) })).ok,
    print,
  });
  await server.start();
  return {
    processName,
    settings: {
      [restateVariables.ingress]: `http://127.0.0.1:${ingress}`,
      [restateVariables.admin]: adminUrl,
      [restateVariables.endpointPort]: String(endpoint),
      // By default the SDK logs a line at the start and at the end of each call.
      RESTATE_LOGGING: 'WARN',
    },
    countOpen: () => countOpen(adminUrl),
    stop: () => server.kill(),
  };
}

/** Each platform's binary comes in its own package, which is a dependency of the server's package. */
function programIn(packages: string): string {
  const main = createRequire(join(packages, 'package.json')).resolve('@restatedev/restate-server/package.json');
  const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  try {
    return join(createRequire(main).resolve(`${platform}/package.json`), '..', 'bin', 'restate-server');
  } catch {
    throw new PeerUnavailable(`there is no package ${platform}`);
  }
}

async function countOpen(adminUrl: string): Promise<number> {
  const response = await fetch(`${adminUrl}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: `select count(*) as open from sys_invocation where status <> 'completed'` }),
    signal: AbortSignal.timeout(10_000),
  });
  const { rows } = (await response.json()) as { rows: { open: number }[] };
  return rows[0]?.open ?? NaN;
}
