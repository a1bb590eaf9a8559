import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '../infra/testing/eventually.js';
import { LifecycleWorkers } from '../infra/testing/lifecycle-workers.js';
import { outcomeReady, overdue, settled, stageQuery, taskQueues, workflowIdOf } from './messages.js';
import type { orderLifecycle } from './order-lifecycle.js';

const done = { status: 'done', version: 2 } as const;

describe('the life of an order, on a real Temporal server', () => {
  let lifecycle: LifecycleWorkers;
  before(async () => (lifecycle = await LifecycleWorkers.start()));
  beforeEach(() => lifecycle.reset());
  after(() => lifecycle.close());

  async function startOrder(orderId = `o-${randomUUID()}`) {
    const handle = await lifecycle.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
      taskQueue: taskQueues.orderApi,
      workflowId: workflowIdOf(orderId),
      args: [{ orderId }],
    });
    return { orderId, handle };
  }

  it('publishes, waits, publishes, waits, and ends with the status and the version', async () => {
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
    await handle.signal(outcomeReady, done);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.equal(await handle.query(stageQuery), 'settled');
  });

  it('ends a failed order as failed', async () => {
    const { handle } = await startOrder();
    await handle.signal(outcomeReady, { status: 'failed', version: 2 });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(settled, { status: 'failed', version: 2 });
    assert.deepEqual(await handle.result(), { status: 'failed', version: 2 });
  });

  it('tries a publish again until it works', async () => {
    lifecycle.failures = 3;
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
    assert.equal(lifecycle.failures, 0);
    await handle.terminate();
  });

  it('shows a publish that fails as a pending activity with its attempts and last error', async () => {
    lifecycle.failures = Number.MAX_SAFE_INTEGER;
    const { handle } = await startOrder();
    await eventually('a second attempt is shown', async () => {
      const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
      assert.ok((activity?.attempt ?? 0) >= 2);
      assert.match(activity?.lastFailure?.message ?? '', /RabbitMQ is not connected/);
    });
    await handle.terminate();
  });

  it('takes signals that come early, before the first event is published', async () => {
    lifecycle.failures = 4;
    const { orderId, handle } = await startOrder();
    await handle.signal(outcomeReady, done);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
  });

  it('ignores a signal it has already had, whatever it says', async () => {
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    await handle.signal(outcomeReady, done);
    await handle.signal(outcomeReady, { status: 'failed', version: 3 });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(outcomeReady, done);
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.equal(lifecycle.published.filter((event) => event === `order.processed ${orderId}`).length, 1);
  });

  it('comes to its end when the order turns out to be settled already', async () => {
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
  });

  it('publishes again what it published last, when it is overdue', async () => {
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    await handle.signal(overdue, orderId, 'somebody-else-s');
    await eventually('the event is published again', () =>
      assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.created again ${orderId}`]),
    );
    await handle.signal(outcomeReady, done);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(overdue, orderId);
    await eventually('the answer is published again', () =>
      assert.deepEqual(lifecycle.published.slice(2), [
        `order.processed ${orderId}`,
        `order.processed again ${orderId}`,
      ]),
    );
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.equal(lifecycle.published.length, 4);
  });

  it('ends when its order, overdue, turns out to be settled', async () => {
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    lifecycle.settled = [{ orderId, ...done }];
    await handle.signal(overdue, orderId);
    assert.deepEqual(await handle.result(), done);
  });

  it('publishes nothing again of an order that is decided in the same moment', async () => {
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    await lifecycle.whileAway(async () => {
      await handle.signal(overdue, orderId);
      await handle.signal(outcomeReady, done);
    });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
  });

  it('tells people where it is: search attributes and live details', async () => {
    const { orderId, handle } = await startOrder();
    await handle.signal(outcomeReady, done);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    const details = await handle
      .query<string>('__temporal_workflow_metadata')
      .then((metadata) => JSON.stringify(metadata));
    assert.match(details, new RegExp(`Order \`${orderId}\`: \\*\\*done\\*\\*, version 2`));
    assert.match(details, /publishingProcessed/);
    await handle.signal(settled, done);
    await handle.result();
    await eventually('the order is found by its stage and status', async () => {
      const found = lifecycle.temporal.client.workflow.list({
        query: `OrderStage="settled" AND OrderStatus="done" AND WorkflowId="${handle.workflowId}"`,
      });
      const ids = [];
      for await (const workflow of found) ids.push(workflow.workflowId);
      assert.deepEqual(ids, [handle.workflowId]);
    });
  });

  it('ends at once when the order API knows the order to be settled', async () => {
    lifecycle.settled = [{ orderId: 'o-settled', ...done }];
    const { handle } = await startOrder('o-settled');
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, ['order.created o-settled']);
  });
});
