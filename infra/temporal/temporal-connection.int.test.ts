import assert from 'node:assert/strict';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { searchAttributeTypes } from '../../workflows/client/order-workflow-client.js';
import { eventually } from '../dev/testing/eventually.js';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { createTestNamespace, type TestNamespace } from '../dev/testing/test-namespace.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { TemporalUnavailable } from './outage.js';
import { createTemporalConnection, type TemporalConnection } from './temporal-connection.js';

describe('the connection to Temporal', function () {
  this.timeout(60_000);
  let temporal: TestNamespace;
  let proxy: FaultProxy;
  let connection: TemporalConnection;
  let workers = 0;

  before(async () => {
    temporal = await createTestNamespace();
  });
  after(() => temporal.close());
  beforeEach(async () => {
    workers = 0;
    proxy = await createFaultProxy(`tcp://${temporal.address}`);
    connection = createTemporalConnection({
      connectionOptions: { address: new URL(proxy.url).host },
      namespace: temporal.namespace,
      searchAttributes: searchAttributeTypes,
      createWorker: (native: NativeConnection) => {
        workers += 1;
        return Worker.create({
          ...{ connection: native, namespace: temporal.namespace, taskQueue: 'connection-test' },
          activities: { nothing: async () => undefined },
        });
      },
      logger: testLogger,
    });
  });
  afterEach(async () => {
    await connection.stop();
    await proxy.close();
  });

  const isUp = () => connection.isUp(1000);
  const becomesUp = () => eventually('it is up', async () => assert.equal(await isUp(), true), 30_000);
  const countWorkflows = () => connection.call(2000, (client) => client.workflow.count());

  it('refuses calls at once before it is started', async () => {
    await assert.rejects(countWorkflows(), TemporalUnavailable);
    assert.equal(await isUp(), false);
  });

  it('carries calls and runs the worker once it is started', async () => {
    connection.start();
    await becomesUp();
    assert.equal((await countWorkflows()).count, 0);
    assert.equal(workers, 1);
  });

  it('connects in the background when Temporal comes up late', async () => {
    proxy.down();
    connection.start();
    await assert.rejects(countWorkflows(), TemporalUnavailable);
    proxy.restore();
    await becomesUp();
    assert.equal((await countWorkflows()).count, 0);
  });

  it('lets the first call run into its deadline while Temporal is frozen, refuses the next, and recovers', async () => {
    connection.start();
    await becomesUp();
    proxy.freeze();
    await assert.rejects(countWorkflows(), (error) => !(error instanceof TemporalUnavailable));
    await assert.rejects(countWorkflows(), TemporalUnavailable);
    assert.equal(await isUp(), false);
    proxy.restore();
    await becomesUp();
    await eventually('calls are carried', async () => assert.equal((await countWorkflows()).count, 0), 30_000);
  });

  it('refuses calls once it is stopped', async () => {
    connection.start();
    await becomesUp();
    await connection.stop();
    assert.equal(await isUp(), false);
    await assert.rejects(countWorkflows(), TemporalUnavailable);
  });
});
