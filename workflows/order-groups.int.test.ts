import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import fc from 'fast-check';
import { eventually } from '../infra/dev/testing/eventually.js';
import { LifecycleWorkers } from '../infra/dev/testing/lifecycle-workers.js';
import {
  checkNowSignal,
  outcomeReadySignal,
  settledSignal,
  stageQuery,
  taskQueues,
  type OrderOutcome,
} from './contract/messages.js';
import type { orderLifecycle } from './order-lifecycle.js';
import { startDescriptionOf } from './contract/start-description.js';

const never = 3_600_000;

describe('the workflow of several orders, on a real Temporal server,', () => {
  let lifecycle: LifecycleWorkers;
  before(async () => (lifecycle = await LifecycleWorkers.start()));
  beforeEach(() => lifecycle.reset());
  after(() => lifecycle.close());

  async function startGroup(size: number, checkAfterMs = never) {
    const orderIds = Array.from({ length: size }, () => `o-${randomUUID().slice(0, 8)}`);
    const handle = await lifecycle.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
      taskQueue: taskQueues.orderApi,
      workflowId: `orders-${randomUUID()}`,
      args: [{ orderIds, checkAfterMs }],
      ...startDescriptionOf(orderIds),
    });
    return { orderIds, handle };
  }
  const outcomeOf = (orderId: string | undefined, status: 'done' | 'failed' = 'done'): OrderOutcome => ({
    orderId: String(orderId),
    status,
    version: 2,
  });
  const outcomesPublished = () =>
    lifecycle.published
      .filter((line) => line.startsWith('order.processed o-'))
      .flatMap((line) => line.split(' ').slice(1));

  it('publishes the first events together and each outcome as it arrives, so no order waits for another', async () => {
    const { orderIds, handle } = await startGroup(5);
    const [first, ...others] = orderIds;
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderIds.join(' ')}`]);
    await handle.signal(outcomeReadySignal, { outcomes: [outcomeOf(first)] });
    await eventually('its outcome is published', () => assert.deepEqual(outcomesPublished(), [first]));
    await handle.signal(settledSignal, { outcomes: [outcomeOf(first)] });
    assert.equal(await handle.query(stageQuery), 'awaitingOutcome');
    const failed = others.map((id) => outcomeOf(id, 'failed'));
    await handle.signal(outcomeReadySignal, { outcomes: failed });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    assert.deepEqual(outcomesPublished().sort(), [...orderIds].sort());
    await handle.signal(settledSignal, { outcomes: failed });
    assert.deepEqual(await handle.result(), { done: 1, failed: 4 });
  });

  it('checks only the open orders and republishes the events of those without an outcome', async () => {
    const { orderIds, handle } = await startGroup(5);
    const [decided, settled, ...others] = orderIds;
    await lifecycle.reaches(handle, 'awaitingOutcome');
    await handle.signal(settledSignal, { outcomes: [outcomeOf(settled)] });
    lifecycle.decided = [outcomeOf(decided)];
    await handle.signal(checkNowSignal);
    await eventually('both services were asked', () =>
      assert.deepEqual(lifecycle.published.slice(1), [
        `order.processed again ${[decided, ...others].join(' ')}`,
        `order.created again ${others.join(' ')}`,
      ]),
    );
    await handle.terminate();
  });

  it('shows each of its orders in the live details', async () => {
    const { orderIds, handle } = await startGroup(2);
    await handle.signal(settledSignal, { outcomes: [outcomeOf(orderIds[0])] });
    await lifecycle.reaches(handle, 'awaitingOutcome');
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    assert.ok(details.includes(`- \`${orderIds[0]}\`: settled, **done**, version 2`), details);
    assert.ok(details.includes(`- \`${orderIds[1]}\`: awaitingOutcome, not decided yet`), details);
    await handle.terminate();
  });

  it('stays open until its last order is settled, then returns the number of orders with each status', async () => {
    const { orderIds, handle } = await startGroup(20, 100);
    const [last, ...others] = orderIds;
    await handle.signal(settledSignal, { outcomes: others.map((id) => outcomeOf(id)) });
    await eventually('the last order was checked', () =>
      assert.ok(lifecycle.published.includes(`order.created again ${last}`)),
    );
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    await handle.signal(settledSignal, { outcomes: [outcomeOf(last, 'failed')] });
    assert.deepEqual(await handle.result(), { done: 19, failed: 1 });
  });

  it('ignores an invalid signal about one of its orders', async () => {
    const { orderIds, handle } = await startGroup(25);
    for (const value of [null, { outcomes: [{ orderId: orderIds[0] }] }]) await handle.signal('settled', value);
    await handle.signal(settledSignal, { outcomes: orderIds.map((id) => outcomeOf(id)) });
    assert.deepEqual(await handle.result(), { done: 25, failed: 0 });
  });

  const sizes = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.integer({ min: 50, max: 100 }));
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom('outcomeReady', 'settled', 'check', 'invalid', 'decide', 'settle'),
      order: fc.nat(),
      copies: fc.integer({ min: 1, max: 3 }),
      isLost: fc.boolean(),
    }),
    { maxLength: 12 },
  );

  it('settles every order once, whichever signals and checks arrive, in any sequence, lost or repeated', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, steps, async (size, given) => {
        lifecycle.reset();
        const { orderIds, handle } = await startGroup(size, 150);
        const all = orderIds.map((id, index) => outcomeOf(id, index % 2 ? 'failed' : 'done'));
        const signal = (name: string, value: unknown) => handle.signal(name, value).catch(ignoreCompleted);
        for (const { kind, order, copies, isLost } of given) {
          const outcome = all[order % size] ?? outcomeOf('unknown');
          if (kind === 'decide') lifecycle.decided.push(outcome);
          if (kind === 'settle') lifecycle.settled.push(outcome);
          for (let copy = 0; copy < copies && !isLost; copy += 1) {
            if (kind === 'check') await signal('checkNow', undefined);
            if (kind === 'invalid')
              await signal('settled', { outcomes: [{ ...outcome, status: 'x' }, outcomeOf('unknown')] });
            if (kind === 'outcomeReady' || kind === 'settled') await signal(kind, { outcomes: [outcome] });
          }
        }
        // In the end the databases have all outcomes, and no signal announces them.
        lifecycle.decided = all;
        lifecycle.settled = all;
        const failed = Math.floor(size / 2);
        const expected = size === 1 ? { status: 'done', version: 2 } : { done: size - failed, failed };
        assert.deepEqual(await handle.result(), expected);
        // A signal that precedes the first task can settle an order before it is published, or cause an activity to be
        // requested again, so the number of publishes per order varies.
        const created = lifecycle.published.filter((line) => line.startsWith('order.created o-'));
        const published = [...created.flatMap((line) => line.split(' ').slice(1)), ...outcomesPublished()];
        assert.ok(published.every((id) => orderIds.includes(id)));
      }),
      { numRuns: 20 },
    );
  });
});

/** Ignores that the workflow has completed: it does so when its last order is settled. */
function ignoreCompleted(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
