import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import fc from 'fast-check';
import { eventually } from '../infra/testing/eventually.js';
import { LifecycleWorkers, type LifecycleHandle } from '../infra/testing/lifecycle-workers.js';
import {
  outcomeReady,
  overdue,
  settled,
  stageQuery,
  taskQueues,
  workflowIdOf,
  type OutcomeSignal,
} from './messages.js';
import type { orderLifecycle } from './order-lifecycle.js';
import { startDescriptionOf } from './start-description.js';

describe('the life of several orders in one workflow, on a real Temporal server', () => {
  let lifecycle: LifecycleWorkers;
  before(async () => (lifecycle = await LifecycleWorkers.start()));
  beforeEach(() => lifecycle.reset());
  after(() => lifecycle.close());

  async function startGroup(size: number, stragglerAfterMs = 60_000) {
    const orderIds = Array.from({ length: size }, () => `o-${randomUUID().slice(0, 8)}`);
    const handle = await lifecycle.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
      taskQueue: taskQueues.orderApi,
      workflowId: `orders-${randomUUID()}`,
      args: [{ orderIds, stragglerAfterMs }],
      ...startDescriptionOf(orderIds),
    });
    return { orderIds, handle };
  }
  const of = (orderId: string | undefined, status: 'done' | 'failed' = 'done') =>
    ({ orderId: String(orderId), status, version: 2 }) as const;
  const ownOf = (orderId: string | undefined): LifecycleHandle =>
    lifecycle.temporal.client.workflow.getHandle(workflowIdOf(String(orderId)));
  const answersPublished = () =>
    lifecycle.published
      .filter((line) => line.startsWith('order.processed'))
      .flatMap((line) => line.split(' ').slice(1));

  it('publishes the first events together and each answer as it comes; no order waits for another', async () => {
    const { orderIds, handle } = await startGroup(5);
    const [first, ...others] = orderIds;
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderIds.join(' ')}`]);
    await handle.signal(outcomeReady, of(first));
    await eventually('its answer is published', () => assert.deepEqual(answersPublished(), [first]));
    await handle.signal(settled, of(first));
    assert.equal(await handle.query(stageQuery), 'awaitingOutcome');
    await handle.signal(outcomeReady, ...others.map((id) => of(id, 'failed')));
    await lifecycle.reaches(handle, 'awaitingSettlement');
    assert.deepEqual(answersPublished().sort(), [...orderIds].sort());
    await handle.signal(settled, ...others.map((id) => of(id, 'failed')));
    assert.deepEqual(await handle.result(), { done: 1, failed: 4, moved: 0 });
  });

  it('publishes again what is overdue of each order, together', async () => {
    const { orderIds, handle } = await startGroup(5);
    const [answered, settledOne, ...others] = orderIds;
    await handle.signal(outcomeReady, of(answered), of(settledOne));
    await eventually('the answers are published', () => assert.equal(answersPublished().length, 2));
    await handle.signal(settled, of(settledOne));
    await handle.signal(overdue, ...orderIds);
    await eventually('all that is open is published again', () =>
      assert.deepEqual(lifecycle.published.slice(-2), [
        `order.created again ${others.join(' ')}`,
        `order.processed again ${answered}`,
      ]),
    );
    await handle.terminate();
  });

  it('shows each of its orders in the live details', async () => {
    const { orderIds, handle } = await startGroup(2);
    await handle.signal(outcomeReady, of(orderIds[0]));
    await eventually('its answer is published', () => assert.equal(answersPublished().length, 1));
    await handle.signal(settled, of(orderIds[0]));
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    assert.ok(details.includes(`| \`${orderIds[0]}\` | settled | **done**, version 2 |`), details);
    assert.ok(details.includes(`| \`${orderIds[1]}\` | awaitingOutcome | not decided yet |`), details);
    await handle.terminate();
  });

  describe('stragglers', () => {
    /** A group whose orders have all settled, but for these. */
    async function startGroupWith(stragglers: number, size: number) {
      const { orderIds, handle } = await startGroup(size, 200);
      const settling = orderIds.slice(stragglers).map((id) => of(id));
      await lifecycle.reaches(handle, 'awaitingOutcome');
      await handle.signal(outcomeReady, ...settling);
      await handle.signal(settled, ...settling);
      return { orderIds, handle };
    }

    it('left for long go on in workflows of their own, and the group closes', async () => {
      const { orderIds, handle } = await startGroupWith(1, 3);
      assert.deepEqual(await handle.result(), { done: 2, failed: 0, moved: 1 });
      const own = ownOf(orderIds[0]);
      await lifecycle.reaches(own, 'awaitingOutcome');
      await own.signal(outcomeReady, of(orderIds[0]));
      await lifecycle.reaches(own, 'awaitingSettlement');
      await own.signal(settled, of(orderIds[0]));
      assert.deepEqual(await own.result(), done);
    });

    it('take along what is known of them', async () => {
      const { orderIds, handle } = await startGroup(3, 200);
      await handle.signal(outcomeReady, ...orderIds.map((id) => of(id)));
      await lifecycle.reaches(handle, 'awaitingSettlement');
      await handle.signal(settled, ...orderIds.slice(1).map((id) => of(id)));
      await handle.result();
      await lifecycle.reaches(ownOf(orderIds[0]), 'awaitingSettlement');
      await ownOf(orderIds[0]).signal(settled, of(orderIds[0]));
      assert.deepEqual(await ownOf(orderIds[0]).result(), done);
    });

    it('are found by their id in the workflow they moved to', async () => {
      const { orderIds, handle } = await startGroupWith(1, 2);
      await handle.result();
      await eventually('both are listed', async () => {
        const ids = [];
        const query = `OrderId="${orderIds[0]}"`;
        for await (const { workflowId } of lifecycle.temporal.client.workflow.list({ query })) ids.push(workflowId);
        assert.deepEqual(ids.sort(), [workflowIdOf(String(orderIds[0])), handle.workflowId].sort());
      });
      await ownOf(orderIds[0]).terminate();
    });

    it('that have a workflow of their own already are left to it', async () => {
      const orderId = `o-${randomUUID().slice(0, 8)}`;
      const own = await lifecycle.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
        taskQueue: taskQueues.orderApi,
        workflowId: workflowIdOf(orderId),
        args: [{ orderId }],
      });
      const group = await lifecycle.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
        taskQueue: taskQueues.orderApi,
        workflowId: `orders-${randomUUID()}`,
        args: [{ orderIds: [orderId, 'other'], stragglerAfterMs: 200 }],
      });
      await group.signal(outcomeReady, of(orderId), of('other'));
      await group.signal(settled, of('other'));
      assert.deepEqual(await group.result(), { done: 1, failed: 0, moved: 1 });
      await lifecycle.reaches(own, 'awaitingSettlement');
      await own.terminate();
    });

    it('are few: when more than a tenth are left, it is no matter of theirs, and the group waits', async () => {
      const { orderIds, handle } = await startGroupWith(3, 20);
      await waitsForThreeOf(orderIds, handle);
    });

    it('are as few when orders are decided and settled in one moment', async () => {
      const { orderIds, handle } = await startGroup(20, 200);
      const settling = orderIds.slice(3).map((id) => of(id));
      await lifecycle.reaches(handle, 'awaitingOutcome');
      await lifecycle.whileAway(async () => {
        await handle.signal(outcomeReady, ...settling);
        await handle.signal(settled, ...settling);
      });
      await waitsForThreeOf(orderIds, handle);
    });

    async function waitsForThreeOf(orderIds: readonly string[], handle: LifecycleHandle): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.equal(await handle.query(stageQuery), 'awaitingOutcome');
      const left = orderIds.slice(0, 3).map((id) => of(id));
      await handle.signal(outcomeReady, ...left);
      await handle.signal(settled, ...left);
      assert.deepEqual(await handle.result(), { done: 20, failed: 0, moved: 0 });
    }
  });

  /** As the services do it: the group, and if that is gone, the order's own workflow. */
  async function tell(group: LifecycleHandle, definition: typeof settled, event: OutcomeSignal): Promise<void> {
    for (const handle of [group, ownOf(event.orderId)]) {
      try {
        await handle.signal(definition, event);
        return;
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
  }

  const sizes = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.integer({ min: 50, max: 100 }));
  const signals = fc.array(
    fc.record({
      kind: fc.constantFrom(outcomeReady, settled),
      order: fc.nat(),
      copies: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 12 },
  );

  it('publishes, settles and reports every order once, whatever arrives when and how often', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, signals, async (size, given) => {
        lifecycle.reset();
        const { orderIds, handle } = await startGroup(size);
        const all = orderIds.map((id, index) => of(id, index % 2 ? 'failed' : 'done'));
        for (const { kind, order, copies } of given) {
          for (let copy = 0; copy < copies; copy += 1) await tell(handle, kind, all[order % size] ?? of('nobody-s'));
        }
        await handle.signal(outcomeReady, ...all, of('nobody-s')).catch(ignoreEnded);
        await handle.signal(settled, ...all, of('nobody-s')).catch(ignoreEnded);
        const failed = Math.floor(size / 2);
        assert.deepEqual(await handle.result(), size === 1 ? done : { done: size - failed, failed, moved: 0 });
        assert.deepEqual(lifecycle.published.at(0), `order.created ${orderIds.join(' ')}`);
        assert.equal(lifecycle.published.filter((line) => line.startsWith('order.created')).length, 1);
        assert.equal(new Set(answersPublished()).size, answersPublished().length);
      }),
      { numRuns: 20 },
    );
  });

  it('loses no order that moves while it is being told of', async () => {
    for (let run = 0; run < 10; run += 1) {
      const { orderIds, handle } = await startGroup(2, 50);
      const [straggler = '', other = ''] = orderIds;
      await handle.signal(outcomeReady, of(other));
      await handle.signal(settled, of(other));
      // The moment in which both are there: the new workflow has started, and the group has not heard of it yet.
      await exists(ownOf(straggler));
      await Promise.all([tell(handle, outcomeReady, of(straggler)), tell(handle, settled, of(straggler))]);
      assert.deepEqual(await handle.result(), { done: 1, failed: 0, moved: 1 });
      assert.deepEqual(await ownOf(straggler).result(), done);
    }
  });
});

const done = { status: 'done', version: 2 } as const;

/** Once the last is settled, nobody is there to be told any more. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** Asks without a pause, so as to know at once. */
async function exists(handle: LifecycleHandle): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const found = await handle.describe().catch(() => undefined);
    if (found) return;
  }
  assert.fail(`${handle.workflowId} never started`);
}
