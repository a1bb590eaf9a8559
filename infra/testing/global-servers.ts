import { startServers } from '../local/local-servers.js';
import { installTemporalRuntime } from '../temporal/runtime.js';
import { startContainers } from './container-servers.js';
import { silentLogger } from './silent-logger.js';
import { provideTestServers, type TestServers } from './test-servers.js';

/**
 * Loaded by mocha (.mocharc.json): starts the servers before the first test and stops them after the last.
 * TEST_SERVERS says where from: `local` (the default) private instances on free ports with throw-away data,
 * `containers` Testcontainers, `none` no servers, for unit tests.
 */
const source = process.env['TEST_SERVERS'] ?? 'local';

let servers: TestServers | undefined;

export async function mochaGlobalSetup(): Promise<void> {
  if (source === 'none') return;
  installTemporalRuntime(silentLogger);
  const startedAt = Date.now();
  console.log(`starting the test servers (${source})`);
  servers = await start();
  provideTestServers(servers);
  console.log(`the test servers are ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

export async function mochaGlobalTeardown(): Promise<void> {
  provideTestServers(undefined);
  await servers?.stop();
}

function start(): Promise<TestServers> {
  if (source === 'local') return startServers({ instance: 'test', report: (line) => console.log(`  ${line}`) });
  if (source === 'containers') return startContainers();
  throw new Error(`TEST_SERVERS is ${source}; it must be local, containers or none`);
}
