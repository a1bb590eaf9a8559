import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { anOrder, startSystem, type TestSystem } from '../dev/e2e/system.js';
import { eventually } from '../dev/testing/eventually.js';
import { outcomeReadySignal, stageQuery, taskQueues, workflowIdOf } from '../../workflows/contract/messages.js';
import type { orderLifecycle } from '../../workflows/order-lifecycle.js';
import { startDescriptionOf } from '../../workflows/contract/start-description.js';
import type { LiveSystem } from './live-system.js';
import { openTestSystem, operate } from '../dev/e2e/live-test-system.js';
import { verify, type InvariantResult } from './verify.js';

describe('verify', function () {
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

  /** Returns the ids of the invariants that this subject violates. */
  const violatedBy = (results: readonly InvariantResult[], subject: string): string[] =>
    results.filter(({ violations }) => violations.some((each) => each.subject === subject)).map(({ id }) => id);

  const assertNoViolations = (results: readonly InvariantResult[]): void =>
    assert.deepEqual(
      results.flatMap(({ violations }) => violations),
      [],
    );

  describe('on a healthy system', () => {
    it('reports that every invariant holds once nothing is in progress', async () => {
      const placed = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const order = anOrder();
          assert.equal((await system.post(order)).status, 201);
          return order.order_id;
        }),
      );
      const results = await verify(live, { accepted: placed, waitMs: 60_000 });
      assertNoViolations(results);
      const checkedById = Object.fromEntries(results.map(({ id, checked }) => [id, checked]));
      assert.ok((checkedById['I1'] ?? 0) === 30 && (checkedById['I7'] ?? 0) >= 30, JSON.stringify(checkedById));
      assert.ok((checkedById['I9b'] ?? 0) >= 1 && checkedById['I10b'] === 2, JSON.stringify(checkedById));
    });
  });

  describe('on messages from unknown senders', () => {
    const envelope = (type: string, orderId: string, data: object) => ({
      ...{ specversion: '1.0', id: randomUUID(), source: 'unknown-sender', type, subject: orderId, dataversion: '1' },
      ...{ time: new Date().toISOString(), data: { order_id: orderId, ...data } },
    });
    const publish = (type: string, orderId: string, data: object) =>
      system.vhost.request('POST', 'exchanges/orders/publish', {
        ...{ routing_key: type, properties: {}, payload_encoding: 'string' },
        payload: JSON.stringify(envelope(type, orderId, data)),
      });
    const content = { customer_id: 'c', items: [{ sku: 's', quantity: 1, price: 1 }], total_amount: 1 };
    const harmlessEvents: readonly (readonly [what: string, type: string, data: object])[] = [
      ['a stale outcome', 'order.processed', { status: 'failed', reason: 'late', version: 1 }],
      ['a contradicting outcome', 'order.processed', { status: 'failed', reason: 'late', version: 2 }],
      ['an outcome at a future version', 'order.processed', { status: 'failed', reason: 'late', version: 3 }],
      ['a repeated order.created', 'order.created', { ...content, version: 1 }],
      ['an order.created at a later version', 'order.created', { ...content, version: 5 }],
    ];
    for (const [what, type, data] of harmlessEvents) {
      it(`reports no violation after ${what} of a settled order`, async () => {
        const orderId = await settledOrder();
        await publish(type, orderId, data);
        const service = type === 'order.created' ? system.processor : system.orderApi;
        await eventually('the service has handled it', () =>
          assert.equal(
            service.logs.filter((line) => line['order_id'] === orderId && line['msg'] === `${type} received`).length,
            2,
          ),
        );
        assertNoViolations(await verify(live, { waitMs: 30_000 }));
      });
    }

    it('reports no violation once the outcome of an order that nobody placed is discarded', async () => {
      const orderId = `nobody-placed-${randomUUID()}`;
      await publish('order.created', orderId, { ...content, version: 1 });
      const id = await eventually('the outcome is dead-lettered', async () => {
        const { lines } = await operate(live, 'dead-letters list');
        return lines.find((line) => line.includes(orderId))?.split(' ')[0] ?? assert.fail(lines.join('\n'));
      });
      assert.deepEqual(violatedBy(await verify(live), orderId), ['I2']);
      await operate(live, `dead-letters discard ${id}`, { reason: 'it is not one of our orders' });
      assertNoViolations(await verify(live, { waitMs: 30_000 }));
      const shown = (await operate(live, `orders show ${orderId}`)).lines.join('\n');
      assert.doesNotMatch(shown, /^ +problem /m);
    });
  });

  describe('finds', () => {
    const orderIds: string[] = [];
    let orderId: string;

    /** The services would repair some of the planted violations, so they stop once each test has its order. */
    before(async function () {
      const tests = this.test?.parent?.tests.length ?? 0;
      orderIds.push(...(await Promise.all(Array.from({ length: tests }, settledOrder))));
      assertNoViolations(await verify(live, { waitMs: 30_000 }));
      await Promise.all([system.orderApi.stop(), system.processor.stop()]);
    });

    beforeEach(async () => {
      orderId = orderIds.pop() ?? assert.fail('an order for each test');
      assert.deepEqual(await violatedNow(), []);
    });

    /** Returns the ids of the invariants that the test's order, or another subject, violates now. */
    const violatedNow = async (subject = orderId): Promise<string[]> => violatedBy(await verify(live), subject);

    it('an order that was answered with 201 and does not exist', async () => {
      assert.deepEqual(violatedBy(await verify(live, { accepted: [orderId, 'never-was'] }), 'never-was'), ['I1']);
    });

    it('a lost order that the processor still knows', async () => {
      await ordersDb('delete from outbox where aggregate_id = $1', orderId);
      await ordersDb('delete from inbox where aggregate_id = $1', orderId);
      await ordersDb('delete from order_events where order_id = $1', orderId);
      await ordersDb('delete from orders where order_id = $1', orderId);
      assert.deepEqual(await violatedNow(), ['I2', 'I5']);
    });

    it('an order without its event', async () => {
      await ordersDb('delete from outbox where aggregate_id = $1', orderId);
      assert.deepEqual(await violatedNow(), ['I3']);
    });

    it('an event whose content differs from its order', async () => {
      await ordersDb('update orders set total_amount = total_amount + 0.01 where order_id = $1', orderId);
      assert.deepEqual(await violatedNow(), ['I3']);
    });

    it('an unpublished event', async () => {
      await ordersDb('update outbox set published_at = null where aggregate_id = $1', orderId);
      assert.deepEqual(await violatedNow(), ['I4']);
    });

    it('a published event that was not consumed, unless it is dead-lettered or was discarded', async () => {
      await processorDb('delete from inbox where aggregate_id = $1', orderId);
      assert.deepEqual(await violatedNow(), ['I5']);
      const { rows } = await ordersDb('select id from outbox where aggregate_id = $1', orderId);
      const { id } = rows[0] as { id: string };
      await send('processor.order-created.dead-letter', { messageId: id });
      assert.deepEqual(await violatedNow(), []);
      const reason = 'it is worked on elsewhere';
      assert.ok((await operate(live, `dead-letters discard ${id}`, { reason })).isComplete);
      assert.deepEqual(await violatedNow(), [], 'a message that an operator discarded is not lost');
    });

    it('an event that took effect twice', async () => {
      await ordersDb(
        `insert into order_events (order_id, version, type, detail) values ($1, 3, 'order.processed', '{"status":"done"}')`,
        orderId,
      );
      assert.deepEqual(await violatedNow(), ['I6', 'I8']);
    });

    it('a skipped version', async () => {
      await ordersDb('update order_events set version = 3 where order_id = $1 and version = 2', orderId);
      await ordersDb('update orders set version = 3 where order_id = $1', orderId);
      assert.deepEqual(await violatedNow(), ['I7', 'I8']);
    });

    it('an outcome that contradicts the order', async () => {
      // Each order of this suite is done or failed at random, so the test plants the other status.
      await processorDb(
        `update processing_states
         set status = case status when 'done' then 'failed' else 'done' end,
             reason = case status when 'done' then 'contradicts' end
         where order_id = $1`,
        orderId,
      );
      assert.deepEqual(await violatedNow(), ['I3', 'I7']);
    });

    it('an order that never settled', async () => {
      const pending = anOrder().order_id;
      await ordersDb(
        `insert into orders (order_id, customer_id, status, total_amount, version, items, check_at)
         values ($1, 'c', 'pending', 1, 1, '[]', now() + interval '1 hour')`,
        pending,
      );
      assert.deepEqual(await violatedNow(pending), ['I2', 'I3', 'I7', 'I8', 'I9']);
    });

    it('a message that waits in a queue', async () => {
      await send('order-api.order-processed');
      assert.deepEqual(await violatedNow('order-api.order-processed'), ['I10b']);
      assert.equal((await system.vhost.take('order-api.order-processed')).length, 1);
    });

    it('a workflow that is open although its order is settled', async () => {
      const workflowId = `order-stuck-${orderId}`;
      const handle = await start(workflowId, orderId);
      await eventually('it is listed', async () => {
        const { count } = await system.temporal.client.workflow.count(`WorkflowId = "${workflowId}"`);
        assert.equal(count, 1);
      });
      const results = await verify(live);
      await handle.terminate();
      assert.deepEqual(violatedBy(results, orderId), ['I9']);
      assert.deepEqual(violatedBy(results, workflowId), ['I9b']);
    });

    it('a workflow whose code does not fit its history', async () => {
      const handle = await start(`order-changed-${orderId}`, orderId);
      await whileWorking(new URL('../../workflows/order-lifecycle.ts', import.meta.url), () =>
        eventually('it waits', async () => assert.equal(await handle.query(stageQuery), 'awaitingOutcome')),
      );
      await whileWorking(
        new URL('../../workflows/histories/incompatible-order-lifecycle.ts', import.meta.url),
        async () => {
          await handle.signal(outcomeReadySignal, { outcomes: [{ orderId, status: 'done', version: 2 }] });
          await eventually('it is found', async () => assert.deepEqual(await violatedNow('non-determinism'), ['I9b']));
        },
      );
      await handle.terminate();
    });

    const failing = {
      'code that throws': new URL('../dev/testing/throwing-lifecycle.ts', import.meta.url),
      'code without its workflow type': new URL('../dev/testing/unknown-lifecycle.ts', import.meta.url),
    };
    for (const [why, workflows] of Object.entries(failing)) {
      it(`a workflow whose task fails repeatedly: ${why}`, async () => {
        const workflowId = `order-failing-${orderId}`;
        const handle = await start(workflowId, orderId);
        await whileWorking(workflows, () =>
          eventually('it is found', async () => assert.deepEqual(await violatedNow(workflowId), ['I9b', 'I9c'])),
        );
        const shown = (await operate(live, `orders show ${orderId}`)).lines.join('\n');
        assert.match(
          shown,
          new RegExp(`problem {6}I9c: ${workflowId}: its workflow task has failed (once|\\d+ times): `),
        );
        await handle.terminate();
        assert.deepEqual(await violatedNow(workflowId), []);
      });
    }

    async function send(queue: string, properties: { messageId?: string } = {}): Promise<void> {
      const channel = await live.rabbitmq.createConfirmChannel();
      channel.sendToQueue(queue, Buffer.from('not readable'), properties);
      await channel.waitForConfirms();
      await channel.close();
    }

    async function start(workflowId: string, carriedOrderId: string) {
      return system.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
        taskQueue: taskQueues.orderApi,
        workflowId,
        args: [{ orderIds: [carriedOrderId], checkAfterMs: 3_600_000 }],
        ...startDescriptionOf([carriedOrderId]),
      });
    }

    /** Runs `work` while a worker with this workflow code is up. Its activities do nothing. */
    async function whileWorking(workflows: URL, work: () => Promise<unknown>): Promise<void> {
      const { connection, namespace } = system.temporal;
      const worker = await Worker.create({
        ...{ connection, namespace, taskQueue: taskQueues.orderApi },
        workflowsPath: fileURLToPath(workflows),
        activities: {
          publishOrderCreated: async () => ({ messageIds: [workflowIdOf(orderId)] }),
          awaitSettled: async () => ({ outcomes: [] }),
        },
      });
      await worker.runUntil(work);
    }
  });
});
