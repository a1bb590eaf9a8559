import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '../infra/dev/testing/eventually.js';
import { LifecycleWorkers } from '../infra/dev/testing/lifecycle-workers.js';
import {
  checkNowSignal,
  outcomeReadySignal,
  settledSignal,
  stageQuery,
  taskQueues,
  workflowIdOf,
  type OrderLifecycleInput,
} from './contract/messages.js';
import type { orderLifecycle } from './order-lifecycle.js';

const done = { status: 'done', version: 2 } as const;
const never = 3_600_000;

describe('the life of an order, on a real Temporal server', () => {
  let lifecycle: LifecycleWorkers;
  before(async () => (lifecycle = await LifecycleWorkers.start()));
  beforeEach(() => lifecycle.reset());
  after(() => lifecycle.close());

  function startWith(workflowId: string, input: OrderLifecycleInput) {
    return lifecycle.temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
      taskQueue: taskQueues.orderApi,
      workflowId,
      args: [input],
    });
  }

  async function startOrder({ checkAfterMs = never, orderId = `o-${randomUUID()}` } = {}) {
    const handle = await startWith(workflowIdOf(orderId), { orderIds: [orderId], checkAfterMs });
    const outcome = { orderId, ...done };
    return { orderId, handle, outcome, told: { outcomes: [outcome] } };
  }

  it('publishes, hears of the settlement within its first task, and ends with the status and the version', async () => {
    const orderId = `o-${randomUUID()}`;
    lifecycle.settled = [{ orderId, ...done }];
    const { handle } = await startOrder({ orderId });
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
    const { events } = await handle.fetchHistory();
    assert.equal(events?.filter((event) => event.workflowTaskStartedEventAttributes).length, 1);
    assert.equal(events.filter((event) => event.markerRecordedEventAttributes).length, 2);
    assert.equal(await handle.query(stageQuery), 'settled');
  });

  it('is told of an outcome that was not published, publishes it, is told of the settlement, and ends', async () => {
    const { orderId, handle, told } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
    await handle.signal(outcomeReadySignal, told);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
    await handle.signal(settledSignal, told);
    assert.deepEqual(await handle.result(), done);
  });

  it('ends a failed order as failed', async () => {
    const { orderId, handle } = await startOrder();
    await handle.signal(settledSignal, { outcomes: [{ orderId, status: 'failed', version: 2 }] });
    assert.deepEqual(await handle.result(), { status: 'failed', version: 2 });
  });

  it('tries a publish again until it works', async () => {
    lifecycle.failures = 4;
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
    const { orderId, handle, told } = await startOrder();
    await handle.signal(outcomeReadySignal, told);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(settledSignal, told);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
  });

  it('ends when its order is settled while a publish still fails: its confirm was lost, or another instance did it', async () => {
    lifecycle.failures = Number.MAX_SAFE_INTEGER;
    const { handle, told } = await startOrder();
    await lifecycle.reaches(handle, 'publishingCreated');
    await handle.signal(settledSignal, told);
    assert.deepEqual(await handle.result(), done);
  });

  it('publishes nothing of an order that is settled before its first task begins', async () => {
    await lifecycle.whileAway(async () => {
      const { handle, told } = await startOrder();
      await handle.signal(settledSignal, told);
    });
    await eventually('it has ended', async () => {
      const { count } = await lifecycle.temporal.client.workflow.count('ExecutionStatus="Running"');
      assert.equal(count, 0);
    });
    assert.deepEqual(lifecycle.published, []);
  });

  it('ignores a signal that it has already had, whatever it says', async () => {
    const { orderId, handle, told } = await startOrder();
    await handle.signal(outcomeReadySignal, told);
    await handle.signal(outcomeReadySignal, { outcomes: [{ orderId, status: 'failed', version: 3 }] });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(outcomeReadySignal, told);
    await handle.signal(settledSignal, told);
    assert.deepEqual(await handle.result(), done);
    assert.equal(lifecycle.published.filter((event) => event === `order.processed ${orderId}`).length, 1);
  });

  describe('looks for itself when it has heard nothing, and', () => {
    it('ends when its order turns out to be settled', async () => {
      const { handle, outcome } = await startOrder({ checkAfterMs: 300 });
      await lifecycle.reaches(handle, 'awaitingOutcome');
      lifecycle.settled = [outcome];
      assert.deepEqual(await handle.result(), done);
    });

    it('takes the outcome from the processor, which has published it', async () => {
      const { orderId, handle, outcome, told } = await startOrder({ checkAfterMs: 300 });
      lifecycle.decided = [outcome];
      await lifecycle.reaches(handle, 'awaitingSettlement');
      await handle.signal(settledSignal, told);
      assert.deepEqual(await handle.result(), done);
      assert.deepEqual(lifecycle.published.slice(0, 2), [
        `order.created ${orderId}`,
        `order.processed again ${orderId}`,
      ]);
      assert.ok(!lifecycle.published.includes(`order.created again ${orderId}`));
    });

    it('has the first event published again when neither side knows an outcome', async () => {
      const { orderId, handle } = await startOrder({ checkAfterMs: 300 });
      await eventually('it was published again', () =>
        assert.ok(lifecycle.published.includes(`order.created again ${orderId}`)),
      );
      await handle.terminate();
    });

    it('waits twice as long after each look that found nothing', async () => {
      const { handle } = await startOrder({ checkAfterMs: 200 });
      await eventually('it has looked three times', () => assert.ok(lifecycle.published.length >= 7), 30_000);
      const { events } = await handle.fetchHistory();
      const waits = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
        timer
          ? [Number(timer.startToFireTimeout?.seconds ?? 0) * 1000 + (timer.startToFireTimeout?.nanos ?? 0) / 1e6]
          : [],
      );
      [200, 400, 800].forEach((wait, index) => {
        const waited = waits[index] ?? 0;
        assert.ok(waited >= wait * 0.8 && waited <= wait * 1.2, waits.join(', '));
      });
      await handle.terminate();
    });

    it('says so in its history and in its live details', async () => {
      const { orderId, handle } = await startOrder({ checkAfterMs: 300 });
      await eventually('it has looked', () => assert.ok(lifecycle.published.length >= 3));
      const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
      assert.match(details, /nothing heard for \d+ ms: looked/);
      const { events } = await handle.fetchHistory();
      const summaries = (events ?? []).flatMap(({ userMetadata }) =>
        userMetadata?.summary?.data ? [Buffer.from(userMetadata.summary.data).toString()] : [],
      );
      assert.ok(
        summaries.some((text) =>
          new RegExp(`nothing heard for \\d+ ms: publish order.created of ${orderId} again`).test(text),
        ),
        summaries.join('\n'),
      );
      await handle.terminate();
    });

    it('does so at once when somebody asks', async () => {
      const { handle, outcome } = await startOrder();
      await lifecycle.reaches(handle, 'awaitingOutcome');
      lifecycle.settled = [outcome];
      await handle.signal(checkNowSignal);
      assert.deepEqual(await handle.result(), done);
    });

    it('ends although the processor cannot be asked, once it is told', async () => {
      lifecycle.failures = 0;
      const { handle, told } = await startOrder({ checkAfterMs: 300 });
      await lifecycle.reaches(handle, 'awaitingOutcome');
      lifecycle.failures = Number.MAX_SAFE_INTEGER;
      await eventually('it asks the processor', async () => {
        const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
        assert.equal(activity?.activityType?.name, 'publishOrderProcessed');
      });
      await handle.signal(settledSignal, told);
      assert.deepEqual(await handle.result(), done);
    });
  });

  describe('ignores what makes no sense from outside:', () => {
    const nonsense = [null, [null], 5, 'x', {}, { orderId: null }, { outcomes: null }, { outcomes: [null, 5, {}] }];
    for (const value of nonsense) {
      it(`${JSON.stringify(value)} as the argument of a signal`, async () => {
        const { handle, told } = await startOrder();
        await lifecycle.reaches(handle, 'awaitingOutcome');
        for (const name of ['outcomeReady', 'settled', 'checkNow', 'unknown']) await handle.signal(name, value);
        await handle.signal(settledSignal, told);
        assert.deepEqual(await handle.result(), done);
      });

      it(`${JSON.stringify(value)} as the result of an activity`, async () => {
        const { handle, told } = await startOrder({ checkAfterMs: 300 });
        lifecycle.resultByHand = { value };
        await eventually('it has looked', () => assert.ok(lifecycle.published.length >= 2));
        await handle.signal(settledSignal, told);
        assert.deepEqual(await handle.result(), done);
      });

      it(`${JSON.stringify(value)} as its input: the run fails, and does not hang`, async () => {
        const handle = await startWith(workflowIdOf(randomUUID()), value as unknown as OrderLifecycleInput);
        await assert.rejects(handle.result(), /Workflow execution failed/);
      });
    }

    it('outcomes of orders that it does not carry, or that are not outcomes, beside one that is', async () => {
      const { handle, outcome } = await startOrder();
      const others = [
        { ...outcome, orderId: 'other' },
        { ...outcome, status: 'lost' },
        { ...outcome, version: 'x' },
      ];
      await handle.signal('settled', { outcomes: [...others, outcome] });
      assert.deepEqual(await handle.result(), done);
    });
  });

  it('tells people where it is: search attributes and live details', async () => {
    const { orderId, handle, told } = await startOrder();
    await handle.signal(outcomeReadySignal, told);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    assert.match(details, new RegExp(`Order \`${orderId}\`: \\*\\*done\\*\\*, version 2`));
    assert.match(details, /order\.processed of .* published/);
    await handle.signal(settledSignal, told);
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

  it('continues with what a run before it knew, and publishes nothing a second time', async () => {
    const orderIds = [`o-${randomUUID()}`, `o-${randomUUID()}`];
    const outcomes = orderIds.map((orderId) => ({ orderId, ...done }));
    const known = { outcomes, settled: outcomes.slice(0, 1) };
    const handle = await startWith(`orders-${randomUUID()}`, { orderIds, checkAfterMs: never, known });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(settledSignal, { outcomes: outcomes.slice(1) });
    assert.deepEqual(await handle.result(), { done: 2, failed: 0 });
    assert.deepEqual(lifecycle.published, [`order.processed ${orderIds[1]}`]);
  });
});
