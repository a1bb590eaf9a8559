import assert from 'node:assert/strict';
import type { WorkflowHandle } from '@temporalio/client';
import { settledSignal, taskQueues, workflowIdOf } from '../../../workflows/contract/messages.js';
import { startDescriptionOf } from '../../../workflows/contract/start-description.js';
import { eventually } from '../testing/eventually.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

const settleLimitMs = 60_000;

describe('an order whose workflow id Temporal already knows', function () {
  this.timeout(120_000);
  let system: TestSystem;

  before(async () => {
    system = await startSystem({ APP__ORDERS_PER_WORKFLOW: '1' });
  });

  after(() => system.stop());

  const never = 3_600_000;

  function startByHand(orderId: string, input: unknown, more: object = {}): Promise<WorkflowHandle> {
    return system.temporal.client.workflow.start('orderLifecycle', {
      taskQueue: taskQueues.orderApi,
      workflowId: workflowIdOf(orderId),
      args: [input],
      ...more,
    });
  }

  async function waiting(handle: WorkflowHandle): Promise<void> {
    await eventually('it waits', async () => assert.equal(await handle.query('stage'), 'awaitingOutcome'));
  }

  /** What Temporal has under the order's workflow id before the order is placed. */
  const preparations: Record<string, (orderId: string) => Promise<unknown>> = {
    'from a run that a person started and that has completed': async (orderId) => {
      const handle = await startByHand(orderId, { orderIds: [orderId], checkAfterMs: never });
      const outcomes = [{ orderId, status: 'done', version: 2 }] as const;
      await handle.signal(settledSignal, { outcomes });
      await handle.result();
    },
    'from a run that was terminated': async (orderId) => {
      const handle = await startByHand(orderId, { orderIds: [orderId], checkAfterMs: never });
      await handle.terminate('by hand');
    },
    'from an open run that carries it and has found no event to publish': async (orderId) => {
      const input = { orderIds: [orderId], checkAfterMs: never };
      await waiting(await startByHand(orderId, input, startDescriptionOf([orderId])));
    },
    'from an open run that does not say what it carries': async (orderId) => {
      await waiting(await startByHand(orderId, { orderIds: [orderId], checkAfterMs: never }));
    },
    'from an open run that carries another order': async (orderId) => {
      const others = [`${orderId}-other`];
      await waiting(await startByHand(orderId, { orderIds: others, checkAfterMs: never }, startDescriptionOf(others)));
    },
    'from a run whose input is null': (orderId) => startByHand(orderId, null),
    'from an open workflow of another type': (orderId) =>
      system.temporal.client.workflow.start('somethingElse', {
        taskQueue: 'nobody',
        workflowId: workflowIdOf(orderId),
      }),
  };

  for (const [what, prepare] of Object.entries(preparations)) {
    it(`${what} settles all the same`, async () => {
      const order = anOrder();
      await prepare(order.order_id);
      assert.equal((await system.post(order)).status, 201);
      assert.equal((await system.settled(order.order_id, settleLimitMs))['version'], 2);
    });
  }

  it('from an earlier placement, whose rows were deleted, settles with the same status', async () => {
    const order = anOrder();
    await system.post(order);
    const first = await system.settled(order.order_id);
    await system.ordersDb.pool.query('delete from order_events where order_id = $1', [order.order_id]);
    for (const statement of [
      'delete from orders where order_id = $1',
      'delete from outbox where aggregate_id = $1',
      'delete from inbox where aggregate_id = $1',
    ]) {
      await system.ordersDb.pool.query(statement, [order.order_id]);
    }
    assert.equal((await system.post(order)).status, 201);
    const second = await system.settled(order.order_id, settleLimitMs);
    assert.equal(second['status'], first['status'], 'the processor keeps its outcome');
  });
});
