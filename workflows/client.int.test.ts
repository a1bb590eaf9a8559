import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { isTemporalOutage } from '../infra/temporal/outage.js';
import { createTemporalLink, type TemporalLink } from '../infra/temporal/temporal-link.js';
import { eventually } from '../infra/testing/eventually.js';
import { silentLogger } from '../infra/testing/silent-logger.js';
import { createTestNamespace, type TestNamespace } from '../infra/testing/test-namespace.js';
import { createLifecycleClient, searchAttributeTypes, type LifecycleClient } from './client.js';
import { stageQuery, taskQueues, workflowIdOf } from './messages.js';

const done = { status: 'done', version: 2 } as const;

describe('the door to the order workflows', () => {
  let temporal: TestNamespace;
  let link: TemporalLink;
  let lifecycles: LifecycleClient;

  before(async () => {
    temporal = await createTestNamespace();
    const publish = () => Promise.resolve({ messageIds: [] });
    link = createTemporalLink({
      connectionOptions: { address: temporal.address },
      namespace: temporal.namespace,
      searchAttributes: searchAttributeTypes,
      // One worker for both task queues' activities would not be the system; two links would only repeat this one.
      createWorker: (connection) =>
        Worker.create({
          connection,
          namespace: temporal.namespace,
          taskQueue: taskQueues.orderApi,
          workflowsPath: fileURLToPath(new URL('./order-lifecycle.ts', import.meta.url)),
          activities: { publishOrderCreated: publish },
        }),
      logger: silentLogger,
    });
    link.start();
    lifecycles = createLifecycleClient(link);
    await eventually('the link is up', async () => assert.ok(await link.isUp(1000)));
  });

  after(async () => {
    await link.stop();
    await temporal.close();
  });

  function start(orderId: string): Promise<void> {
    return lifecycles.ensureStarted(workflowIdOf(orderId), [orderId], 60_000);
  }

  function handleOf(orderId: string) {
    return temporal.client.workflow.getHandle(workflowIdOf(orderId));
  }

  async function runsOf(orderId: string): Promise<number> {
    const { count } = await temporal.client.workflow.count(`WorkflowId="${workflowIdOf(orderId)}"`);
    return count;
  }

  it('starts a workflow eagerly, on the worker that shares its connection', async () => {
    const orderId = randomUUID();
    await start(orderId);
    const { events } = await handleOf(orderId).fetchHistory();
    assert.equal(events?.[0]?.workflowExecutionStartedEventAttributes?.eagerExecutionAccepted, true);
    await handleOf(orderId).terminate();
  });

  it('starts it once, however often it is asked', async () => {
    const orderId = randomUUID();
    await Promise.all(Array.from({ length: 10 }, () => start(orderId)));
    await eventually('it is listed', async () => assert.equal(await runsOf(orderId), 1));
    await handleOf(orderId).terminate();
  });

  it('starts no second run of an order that is settled', async () => {
    const orderId = randomUUID();
    await start(orderId);
    assert.equal(await lifecycles.tellSettled(orderId, done, []), true);
    assert.deepEqual(await handleOf(orderId).result(), done);
    await start(orderId);
    assert.equal((await handleOf(orderId).describe()).status.name, 'COMPLETED');
  });

  it('starts one again that was terminated before its order was settled', async () => {
    const orderId = randomUUID();
    await start(orderId);
    await handleOf(orderId).terminate();
    await start(orderId);
    assert.equal((await handleOf(orderId).describe()).status.name, 'RUNNING');
    await handleOf(orderId).terminate();
  });

  it('lists those that are open, with their orders, and neither younger ones nor those that have ended', async () => {
    const [open, young, ended] = [randomUUID(), randomUUID(), randomUUID()];
    await start(ended);
    await lifecycles.tellSettled(ended, done, []);
    await handleOf(ended).result();
    await lifecycles.ensureStarted(`orders-${open}`, [open, `${open}-2`], 60_000);
    await sleep(10);
    const before = new Date();
    await start(young);
    await eventually('it is listed', async () => {
      const listed = await lifecycles.listOpen(before, 100);
      assert.deepEqual(listed, [{ workflowId: `orders-${open}`, orderIds: [open, `${open}-2`] }]);
    });
    await eventually('both are listed', async () => {
      assert.equal((await lifecycles.listOpen(new Date(Date.now() + 60_000), 100)).length, 2);
    });
    assert.equal((await lifecycles.listOpen(new Date(Date.now() + 60_000), 1)).length, 1);
    await temporal.client.workflow.getHandle(`orders-${open}`).terminate();
    await handleOf(young).terminate();
  });

  it('says so when there is no workflow to be told', async () => {
    const orderId = randomUUID();
    assert.equal(await lifecycles.tellOutcome(orderId, done, []), false);
    assert.equal(await lifecycles.tellSettled(orderId, done, []), false);
    await start(orderId);
    await lifecycles.tellSettled(orderId, done, []);
    await handleOf(orderId).result();
    assert.equal(await lifecycles.tellSettled(orderId, done, []), false);
  });

  it('tells and starts in one, for an answer that nobody publishes', async () => {
    const orderId = randomUUID();
    await lifecycles.tellOutcomeAndStart(orderId, done);
    await eventually('it has heard', async () => {
      assert.equal(await handleOf(orderId).query(stageQuery), 'publishingProcessed');
    });
    await handleOf(orderId).terminate();
  });

  it('registers its search attributes again when Temporal has forgotten them', async () => {
    await temporal.connection.operatorService.removeSearchAttributes({
      namespace: temporal.namespace,
      searchAttributes: ['OrderId', 'OrderStage', 'OrderStatus'],
    });
    const orderId = randomUUID();
    await eventually('it starts', () => start(orderId));
    await handleOf(orderId).terminate();
  });

  it('fails within its deadline while Temporal is away, and then at once', async () => {
    const away = createTemporalLink({
      connectionOptions: { address: '127.0.0.1:1' },
      namespace: 'default',
      searchAttributes: {},
      createWorker: () => Promise.reject(new Error('never reached')),
      logger: silentLogger,
    });
    away.start();
    await assert.rejects(createLifecycleClient(away).ensureStarted('order-x', ['x'], 1000), isTemporalOutage);
    assert.equal(await away.isUp(100), false);
    await away.stop();
  });
});
