import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { anOrder, startSystem, type TestSystem } from '../e2e/system.js';
import { eventually } from '../testing/eventually.js';
import { outcomeReady, stageQuery, taskQueues, workflowIdOf } from '../../workflows/messages.js';
import type { orderLifecycle } from '../../workflows/order-lifecycle.js';
import { startDescriptionOf } from '../../workflows/start-description.js';
import type { LiveSystem } from './live-system.js';
import { openTestSystem } from './live-test-system.js';
import { verify, type Verdict } from './verify.js';

describe('the checker', function () {
  this.timeout(120_000);
  let system: TestSystem;
  let live: LiveSystem;

  before(async () => {
    system = await startSystem({ APP__SUCCESS_RATE: '0.5' });
    live = await openTestSystem(system);
  });

  after(async () => {
    await live.close();
    await system.stop();
  });

  async function settledOrder(): Promise<string> {
    const order = anOrder();
    assert.equal((await system.post(order)).status, 201);
    await system.settled(order.order_id);
    return order.order_id;
  }

  const ordersDb = (statement: string, ...values: unknown[]) => system.ordersDb.pool.query(statement, values);
  const processorDb = (statement: string, ...values: unknown[]) => system.processorDb.pool.query(statement, values);

  /** Which invariants this is named by. */
  const accusing = (verdicts: readonly Verdict[], subject: string): string[] =>
    verdicts.filter(({ offending }) => offending.some((each) => each.subject === subject)).map(({ id }) => id);

  describe('of a system in which all is well', () => {
    it('finds every invariant kept, once what is under way has ended', async () => {
      const placed = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const order = anOrder();
          assert.equal((await system.post(order)).status, 201);
          return order.order_id;
        }),
      );
      const verdicts = await verify(live, { accepted: placed, waitMs: 60_000 });
      assert.deepEqual(
        verdicts.flatMap(({ offending }) => offending),
        [],
      );
      const looked = Object.fromEntries(verdicts.map(({ id, checked }) => [id, checked]));
      assert.ok((looked['I1'] ?? 0) === 30 && (looked['I7'] ?? 0) >= 30, JSON.stringify(looked));
      assert.ok((looked['I9b'] ?? 0) >= 1 && looked['I10b'] === 2, JSON.stringify(looked));
    });
  });

  describe('finds', () => {
    let orderId: string;

    beforeEach(async () => {
      orderId = await settledOrder();
      assert.deepEqual(accusing(await verify(live, { waitMs: 30_000 }), orderId), []);
    });

    /** The services would put some of it right. */
    const whileStopped = async (plant: () => Promise<unknown>, accused = orderId): Promise<string[]> => {
      await Promise.all([system.orderApi.stop(), system.processor.stop()]);
      try {
        await plant();
        return accusing(await verify(live), accused);
      } finally {
        await Promise.all([system.startOrderApi(), system.startProcessor()]);
      }
    };

    it('an order that was answered with 201 and is not there', async () => {
      assert.deepEqual(accusing(await verify(live, { accepted: [orderId, 'never-was'] }), 'never-was'), ['I1']);
    });

    it('an order that is lost, by what the processor knows of it', async () => {
      const found = await whileStopped(async () => {
        await ordersDb('delete from outbox where aggregate_id = $1', orderId);
        await ordersDb('delete from inbox where aggregate_id = $1', orderId);
        await ordersDb('delete from order_events where order_id = $1', orderId);
        await ordersDb('delete from orders where order_id = $1', orderId);
      });
      assert.deepEqual(found, ['I2', 'I5']);
    });

    it('an order without its event', async () => {
      const found = await whileStopped(() => ordersDb('delete from outbox where aggregate_id = $1', orderId));
      assert.deepEqual(found, ['I3']);
    });

    it('an event that says something else than its order', async () => {
      const found = await whileStopped(() =>
        ordersDb('update orders set total_amount = total_amount + 0.01 where order_id = $1', orderId),
      );
      assert.deepEqual(found, ['I3']);
    });

    it('an event that is unpublished', async () => {
      const found = await whileStopped(() =>
        ordersDb('update outbox set published_at = null where aggregate_id = $1', orderId),
      );
      assert.deepEqual(found, ['I4']);
    });

    it('a published event that nobody has taken, unless it is parked', async () => {
      const found = await whileStopped(() => processorDb('delete from inbox where aggregate_id = $1', orderId));
      assert.deepEqual(found, ['I5']);
      const { rows } = await ordersDb('select id from outbox where aggregate_id = $1', orderId);
      const channel = await live.rabbitmq.createConfirmChannel();
      const { id } = rows[0] as { id: string };
      channel.sendToQueue('processor.order-created.dead-letter', Buffer.from('x'), { messageId: id });
      await channel.waitForConfirms();
      await channel.close();
      assert.deepEqual(accusing(await verify(live), orderId), []);
      assert.equal((await system.vhost.take('processor.order-created.dead-letter')).length, 1);
    });

    it('an effect that was had twice', async () => {
      const found = await whileStopped(() =>
        ordersDb(
          `insert into order_events (order_id, version, type, detail) values ($1, 3, 'order.processed', '{"status":"done"}')`,
          orderId,
        ),
      );
      assert.deepEqual(found, ['I6', 'I8']);
    });

    it('a version that was skipped', async () => {
      const found = await whileStopped(async () => {
        await ordersDb('update order_events set version = 3 where order_id = $1 and version = 2', orderId);
        await ordersDb('update orders set version = 3 where order_id = $1', orderId);
      });
      assert.deepEqual(found, ['I7', 'I8']);
    });

    it('a verdict that contradicts the order', async () => {
      const found = await whileStopped(() =>
        processorDb(
          `update processing_states set status = 'failed', reason = 'contradicts' where order_id = $1`,
          orderId,
        ),
      );
      assert.deepEqual(found, ['I3', 'I7']);
    });

    it('an order that never ended', async () => {
      const pending = anOrder().order_id;
      const found = await whileStopped(
        () =>
          ordersDb(
            `insert into orders (order_id, customer_id, status, total_amount, version, items, check_at)
             values ($1, 'c', 'pending', 1, 1, '[]', now() + interval '1 hour')`,
            pending,
          ),
        pending,
      );
      assert.deepEqual(found, ['I2', 'I3', 'I7', 'I8', 'I9']);
      await ordersDb('delete from orders where order_id = $1', pending);
    });

    it('a workflow that is owed a signal', async () => {
      const found = await whileStopped(() =>
        processorDb('update inbox set signal_due_at = now() where aggregate_id = $1', orderId),
      );
      assert.deepEqual(found, ['I10']);
    });

    it('a message that waits', async () => {
      const found = await whileStopped(async () => {
        const channel = await live.rabbitmq.createConfirmChannel();
        channel.sendToQueue('order-api.order-processed', Buffer.from('not readable'));
        await channel.waitForConfirms();
        await channel.close();
      }, 'order-api.order-processed');
      assert.deepEqual(found, ['I10b']);
      await eventually('it is parked', async () =>
        assert.equal((await system.vhost.take('order-api.order-processed.dead-letter')).length, 1),
      );
    });

    it('a workflow that is open though its order has ended', async () => {
      const workflowId = `order-stuck-${orderId}`;
      const found = await whileStopped(async () => {
        await start(workflowId, orderId);
        await listed(workflowId);
      });
      assert.deepEqual(found, ['I9']);
      const verdicts = await verify(live);
      await system.temporal.client.workflow.getHandle(workflowId).terminate();
      assert.deepEqual(accusing(verdicts, workflowId), ['I9b']);
    });

    it('a workflow whose code does not fit its history', async () => {
      const workflowId = `order-changed-${orderId}`;
      await whileStopped(async () => {
        const handle = await start(workflowId, orderId);
        await whileWorking('../../workflows/order-lifecycle.ts', () =>
          eventually('it waits', async () => assert.equal(await handle.query(stageQuery), 'awaitingOutcome')),
        );
        await whileWorking('../../workflows/histories/incompatible-order-lifecycle.ts', async () => {
          await handle.signal(outcomeReady, { orderId, status: 'done', version: 2 });
          await eventually('it is found', async () =>
            assert.deepEqual(accusing(await verify(live), 'non-determinism'), ['I9b']),
          );
        });
        await handle.terminate();
      });
    });

    async function start(workflowId: string, ofOrder: string) {
      return system.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
        taskQueue: taskQueues.orderApi,
        workflowId,
        args: [{ orderId: ofOrder }],
        ...startDescriptionOf([ofOrder]),
      });
    }

    async function listed(workflowId: string): Promise<void> {
      await eventually('it is listed', async () => {
        const { count } = await system.temporal.client.workflow.count(`WorkflowId = "${workflowId}"`);
        assert.equal(count, 1);
      });
    }

    /** A worker with this workflow code, whose activities do nothing. */
    async function whileWorking(workflows: string, work: () => Promise<unknown>): Promise<void> {
      const { connection, namespace } = system.temporal;
      const worker = await Worker.create({
        ...{ connection, namespace, taskQueue: taskQueues.orderApi },
        workflowsPath: fileURLToPath(new URL(workflows, import.meta.url)),
        activities: { publishOrderCreated: async () => ({ messageIds: [workflowIdOf(orderId)] }) },
      });
      await worker.runUntil(work);
    }
  });
});
