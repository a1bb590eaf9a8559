import { addressVariables } from '../../operations/addresses.js';
import { startServers } from '../servers/local-servers.js';
import { installTemporalRuntime } from '../../temporal/runtime.js';
import { removeBuiltServices } from './built-services.js';
import { provideContainers } from './container-images.js';
import { startContainers } from './container-servers.js';
import { testLogger } from './test-logger.js';
import { sweepTestContainers } from './test-containers-sweep.js';
import { provideTestServers, type TestServers } from './test-servers.js';

/**
 * Loaded by mocha (.mocharc.json): starts the servers before the first test and stops them after the last.
 * TEST_SERVERS says where from: `containers` Testcontainers; `local` private instances on free ports with throw-away
 * data; `none` no servers, for unit tests. Unset: containers where Docker answers and has or can get the images, else
 * local; and local where the environment has a server's address, since that is what it is there for.
 */
const wanted = process.env['TEST_SERVERS'] || 'auto';

let servers: TestServers | undefined;

export async function mochaGlobalSetup(): Promise<void> {
  if (wanted === 'none') return;
  installTemporalRuntime(testLogger);
  const startedAt = Date.now();
  servers = await (await sourceOf(wanted))();
  provideTestServers(servers);
  console.log(`the test servers are ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

export async function mochaGlobalTeardown(): Promise<void> {
  provideTestServers(undefined);
  await servers?.stop();
  await removeBuiltServices();
}

/** @throws Error when containers are asked for and cannot be had, or the word is none of those above */
async function sourceOf(source: string): Promise<() => Promise<TestServers>> {
  if (source === 'local') return local('TEST_SERVERS=local');
  const given = addressVariables.filter((name) => process.env[name]);
  if (source === 'auto' && given.length > 0) return local(`the environment has ${given.join(', ')}`);
  if (source !== 'auto' && source !== 'containers') {
    throw new Error(`TEST_SERVERS is ${source}; it must be containers, local or none, or unset`);
  }
  const problem = await provideContainers(print);
  if (problem === undefined) return containers();
  if (source === 'auto') return local(problem);
  throw new Error(`TEST_SERVERS is containers, but ${problem}`);
}

function local(reason: string): () => Promise<TestServers> {
  console.log(`starting the test servers: local instances (${reason})`);
  return async () => ({ ...(await startServers({ serverDirectory: 'test', print })), source: 'local' });
}

async function containers(): Promise<() => Promise<TestServers>> {
  console.log('starting the test servers: Testcontainers');
  await sweepTestContainers(print);
  return startContainers;
}

function print(line: string): void {
  console.log(`  ${line}`);
}
