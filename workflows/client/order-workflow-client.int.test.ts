import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { isTemporalOutage } from '../../infra/temporal/outage.js';
import { createTemporalConnection, type TemporalConnection } from '../../infra/temporal/temporal-connection.js';
import { eventually } from '../../infra/dev/testing/eventually.js';
import { testLogger } from '../../infra/dev/testing/test-logger.js';
import { createTestNamespace, type TestNamespace } from '../../infra/dev/testing/test-namespace.js';
import { createOrderWorkflowClient, searchAttributeTypes, type OrderWorkflowClient } from './order-workflow-client.js';
import { taskQueues, workflowIdOf } from '../contract/messages.js';

const done = { status: 'done', version: 2 } as const;

describe('the order workflow client', () => {
  let temporal: TestNamespace;
  let sharedConnection: TemporalConnection;
  let workflows: OrderWorkflowClient;

  before(async () => {
    temporal = await createTestNamespace();
    const publishOrderCreated = () => Promise.resolve({ messageIds: [] });
    const awaitSettled = () => Promise.resolve({ outcomes: [] });
    sharedConnection = createTemporalConnection({
      connectionOptions: { address: temporal.address },
      namespace: temporal.namespace,
      searchAttributes: searchAttributeTypes,
      // A worker for the order API's task queue is enough here: no test needs the processor's activities.
      createWorker: (connection) =>
        Worker.create({
          connection,
          namespace: temporal.namespace,
          taskQueue: taskQueues.orderApi,
          workflowsPath: fileURLToPath(new URL('../order-lifecycle.ts', import.meta.url)),
          activities: { publishOrderCreated, awaitSettled },
        }),
      logger: testLogger,
    });
    sharedConnection.start();
    workflows = createOrderWorkflowClient(sharedConnection);
    await eventually('the connection is up', async () => assert.ok(await sharedConnection.isUp(1000)));
  });

  after(async () => {
    await sharedConnection.stop();
    await temporal.close();
  });

  function start(orderId: string, workflowId = workflowIdOf(orderId)) {
    return workflows.start(workflowId, { orderIds: [orderId], checkAfterMs: 60_000 });
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

  it('starts one run for many concurrent requests', async () => {
    const orderId = randomUUID();
    const results = await Promise.all(Array.from({ length: 10 }, () => start(orderId)));
    assert.deepEqual(results.sort(), [...Array<string>(9).fill('running'), 'started']);
    await eventually('the run is listed', async () => assert.equal(await runsOf(orderId), 1));
    await handleOf(orderId).terminate();
  });

  for (const [end, close] of Object.entries({
    completed: (orderId: string) => workflows.signalSettled(workflowIdOf(orderId), { orderId, ...done }),
    terminated: (orderId: string) => handleOf(orderId).terminate(),
    cancelled: (orderId: string) => handleOf(orderId).cancel(),
  })) {
    it(`starts another run when the previous one is ${end}`, async () => {
      const orderId = randomUUID();
      await start(orderId);
      await close(orderId);
      await handleOf(orderId)
        .result()
        .catch(() => undefined);
      assert.deepEqual([...(await workflows.ordersOf(workflowIdOf(orderId)))], []);
      assert.equal(await start(orderId), 'started');
      assert.deepEqual([...(await workflows.ordersOf(workflowIdOf(orderId)))], [orderId]);
      await handleOf(orderId).terminate();
    });
  }

  it('reports an id as taken when its workflow carries other orders or has another type', async () => {
    const [ours, foreign] = [randomUUID(), randomUUID()];
    await start('another', workflowIdOf(ours));
    assert.equal(await start(ours), 'taken');
    await temporal.client.workflow.start('somethingElse', { taskQueue: 'nobody', workflowId: workflowIdOf(foreign) });
    assert.equal(await start(foreign), 'taken');
    assert.deepEqual([...(await workflows.ordersOf(workflowIdOf(foreign)))], []);
    await Promise.all([handleOf(ours).terminate(), handleOf(foreign).terminate()]);
  });

  it('returns false when there is no open workflow to signal', async () => {
    const orderId = randomUUID();
    const [id, outcome] = [workflowIdOf(orderId), { orderId, ...done }];
    assert.equal(await workflows.signalOutcomeReady(id, outcome), false);
    assert.equal(await workflows.signalSettled(id, outcome), false);
    assert.equal(await workflows.signalCheckNow(id), false);
    await start(orderId);
    assert.equal(await workflows.signalSettled(id, outcome), true);
    await handleOf(orderId).result();
    assert.equal(await workflows.signalSettled(id, outcome), false);
  });

  it('sends one signal for several orders of a workflow that settle at the same time', async () => {
    const orderIds = [randomUUID(), randomUUID(), randomUUID()];
    const id = `orders-${orderIds[0]}`;
    await workflows.start(id, { orderIds, checkAfterMs: 60_000 });
    await Promise.all(orderIds.map((orderId) => workflows.signalSettled(id, { orderId, ...done })));
    const handle = temporal.client.workflow.getHandle(id);
    assert.deepEqual(await handle.result(), { done: 3, failed: 0 });
    const { events } = await handle.fetchHistory();
    assert.equal(events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length, 1);
  });

  it('registers its search attributes again when Temporal has lost them', async () => {
    await temporal.connection.operatorService.removeSearchAttributes({
      namespace: temporal.namespace,
      searchAttributes: ['OrderId', 'OrderStage', 'OrderStatus'],
    });
    const orderId = randomUUID();
    await eventually('the workflow starts', () => start(orderId));
    await handleOf(orderId).terminate();
  });

  it('fails with an outage error while Temporal is unavailable', async () => {
    const unavailable = createTemporalConnection({
      connectionOptions: { address: '127.0.0.1:1' },
      namespace: 'default',
      searchAttributes: {},
      createWorker: () => Promise.reject(new Error('never reached')),
      logger: testLogger,
    });
    unavailable.start();
    await assert.rejects(
      createOrderWorkflowClient(unavailable).start('order-x', { orderIds: ['x'], checkAfterMs: 1000 }),
      isTemporalOutage,
    );
    assert.equal(await unavailable.isUp(100), false);
    await unavailable.stop();
  });
});
