import { Runtime } from '@temporalio/worker';
import { addressVariables } from '../../operations/addresses.js';
import { startServers } from '../servers/local-servers.js';
import { installTemporalRuntime } from '../../temporal/runtime.js';
import { failOnLeaks } from './leak-check.js';
import { removeBuiltServices } from './built-services.js';
import { provideContainers } from './container-images.js';
import { startContainers } from './container-servers.js';
import { testLogger } from './test-logger.js';
import { sweepTestContainers } from './test-containers-sweep.js';
import { provideTestServers, type TestServers } from './test-servers.js';

/**
 * Mocha loads this file (.mocharc.json): it starts the servers before the first test and stops them after the last.
 * TEST_SERVERS chooses them: `containers` for Testcontainers, `local` for private servers on free ports with temporary
 * data, `none` for no servers, which is enough for unit tests. If it is unset, the choice is `containers` where Docker
 * runs and has or can pull the images, and otherwise `local`. It is also `local` if the environment has the address of
 * a server, which is then used.
 */
const wanted = process.env['TEST_SERVERS'] || 'auto';
const endLimitMs = 15_000;

let servers: TestServers | undefined;

export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    if (this.test?.parent) await failOnLeaks(this.test.parent);
  },
};

export async function mochaGlobalSetup(): Promise<void> {
  if (wanted === 'none') return;
  installTemporalRuntime(testLogger);
  const startedAt = Date.now();
  servers = await (await sourceOf(wanted))();
  provideTestServers(servers);
  console.log(`the test servers were ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

export async function mochaGlobalTeardown(): Promise<void> {
  provideTestServers(undefined);
  await servers?.stop();
  await removeBuiltServices();
  if (servers) await Runtime.instance().shutdown();
  // The process ends by itself unless a test has left something running. This timer does not keep it running.
  setTimeout(failToEnd, endLimitMs).unref();
}

function failToEnd(): void {
  const left = process.getActiveResourcesInfo().join(', ');
  console.error(`the tests are over, but this keeps their process running: ${left}`);
  process.exit(1);
}

/** @throws Error if containers are requested but not available, or if the value is not one of those above */
async function sourceOf(source: string): Promise<() => Promise<TestServers>> {
  if (source === 'local') return local('TEST_SERVERS=local');
  const given = addressVariables.filter((name) => process.env[name]);
  if (source === 'auto' && given.length > 0) return local(`the environment has ${given.join(', ')}`);
  if (source !== 'auto' && source !== 'containers') {
    throw new Error(`TEST_SERVERS is "${source}"; set it to containers, local or none, or unset it`);
  }
  const problem = await provideContainers(print);
  if (problem === undefined) return containers();
  if (source === 'auto') return local(problem);
  throw new Error(`TEST_SERVERS is containers, but ${problem}; TEST_SERVERS=local needs no Docker`);
}

function local(reason: string): () => Promise<TestServers> {
  console.log(`starting the test servers as local processes (${reason})`);
  return async () => ({ ...(await startServers({ serverDirectory: 'test', print })), source: 'local' });
}

async function containers(): Promise<() => Promise<TestServers>> {
  console.log('starting the test servers with Testcontainers');
  await sweepTestContainers(print);
  return startContainers;
}

function print(line: string): void {
  console.log(`  ${line}`);
}
