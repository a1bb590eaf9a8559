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

describe('the workflow of an order, on a real Temporal server,', () => {
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
    return { orderId, handle, outcome, signalArgument: { outcomes: [outcome] } };
  }

  it('publishes, learns of the settlement within its first task, and completes with status and version', async () => {
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

  it('publishes an outcome that it receives by signal and completes when the settlement is signalled', async () => {
    const { orderId, handle, signalArgument } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
    await handle.signal(outcomeReadySignal, signalArgument);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
    await handle.signal(settledSignal, signalArgument);
    assert.deepEqual(await handle.result(), done);
  });

  it('completes with the status failed for a failed order', async () => {
    const { orderId, handle } = await startOrder();
    await handle.signal(settledSignal, { outcomes: [{ orderId, status: 'failed', version: 2 }] });
    assert.deepEqual(await handle.result(), { status: 'failed', version: 2 });
  });

  it('retries a publish until it succeeds', async () => {
    lifecycle.failures = 4;
    const { orderId, handle } = await startOrder();
    await lifecycle.reaches(handle, 'awaitingOutcome');
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`]);
    assert.equal(lifecycle.failures, 0);
    await handle.terminate();
  });

  it('shows a failing publish as a pending activity with its attempts and last error', async () => {
    lifecycle.failures = Number.MAX_SAFE_INTEGER;
    const { handle } = await startOrder();
    await eventually('a second attempt is shown', async () => {
      const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
      assert.ok((activity?.attempt ?? 0) >= 2);
      assert.match(activity?.lastFailure?.message ?? '', /RabbitMQ is not connected/);
    });
    await handle.terminate();
  });

  it('accepts signals that arrive before the first event is published', async () => {
    lifecycle.failures = 4;
    const { orderId, handle, signalArgument } = await startOrder();
    await handle.signal(outcomeReadySignal, signalArgument);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(settledSignal, signalArgument);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(lifecycle.published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
  });

  it('completes when its order is settled while a publish still fails, as after a lost confirm', async () => {
    lifecycle.failures = Number.MAX_SAFE_INTEGER;
    const { handle, signalArgument } = await startOrder();
    await lifecycle.reaches(handle, 'publishingCreated');
    await handle.signal(settledSignal, signalArgument);
    assert.deepEqual(await handle.result(), done);
  });

  it('publishes nothing for an order that is settled before its first task begins', async () => {
    await lifecycle.whileStopped(async () => {
      const { handle, signalArgument } = await startOrder();
      await handle.signal(settledSignal, signalArgument);
    });
    await eventually('it has completed', async () => {
      const { count } = await lifecycle.temporal.client.workflow.count('ExecutionStatus="Running"');
      assert.equal(count, 0);
    });
    assert.deepEqual(lifecycle.published, []);
  });

  it('ignores a second signal of the same kind, whatever its content', async () => {
    const { orderId, handle, signalArgument } = await startOrder();
    await handle.signal(outcomeReadySignal, signalArgument);
    await handle.signal(outcomeReadySignal, { outcomes: [{ orderId, status: 'failed', version: 3 }] });
    await lifecycle.reaches(handle, 'awaitingSettlement');
    await handle.signal(outcomeReadySignal, signalArgument);
    await handle.signal(settledSignal, signalArgument);
    assert.deepEqual(await handle.result(), done);
    assert.equal(lifecycle.published.filter((event) => event === `order.processed ${orderId}`).length, 1);
  });

  describe('checks by itself when it receives no signal, and', () => {
    it('completes when it finds its order settled', async () => {
      const { handle, outcome } = await startOrder({ checkAfterMs: 300 });
      await lifecycle.reaches(handle, 'awaitingOutcome');
      lifecycle.settled = [outcome];
      assert.deepEqual(await handle.result(), done);
    });

    it('records the outcome that the processor returns and has published', async () => {
      const { orderId, handle, outcome, signalArgument } = await startOrder({ checkAfterMs: 300 });
      lifecycle.decided = [outcome];
      await lifecycle.reaches(handle, 'awaitingSettlement');
      await handle.signal(settledSignal, signalArgument);
      assert.deepEqual(await handle.result(), done);
      assert.deepEqual(lifecycle.published.slice(0, 2), [
        `order.created ${orderId}`,
        `order.processed again ${orderId}`,
      ]);
      assert.ok(!lifecycle.published.includes(`order.created again ${orderId}`));
    });

    it('republishes the first event when neither service knows an outcome', async () => {
      const { orderId, handle } = await startOrder({ checkAfterMs: 300 });
      await eventually('it was republished', () =>
        assert.ok(lifecycle.published.includes(`order.created again ${orderId}`)),
      );
      await handle.terminate();
    });

    it('shows each check in its history and its live details', async () => {
      const { orderId, handle } = await startOrder({ checkAfterMs: 300 });
      await eventually('it has checked', () => assert.ok(lifecycle.published.length >= 3));
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

    it('checks at once when it receives a checkNow signal', async () => {
      const { handle, outcome } = await startOrder();
      await lifecycle.reaches(handle, 'awaitingOutcome');
      lifecycle.settled = [outcome];
      await handle.signal(checkNowSignal);
      assert.deepEqual(await handle.result(), done);
    });

    it('completes when the settlement is signalled, although its requests to the processor still fail', async () => {
      lifecycle.failures = 0;
      const { handle, signalArgument } = await startOrder({ checkAfterMs: 300 });
      await lifecycle.reaches(handle, 'awaitingOutcome');
      lifecycle.failures = Number.MAX_SAFE_INTEGER;
      await eventually('it asks the processor', async () => {
        const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
        assert.equal(activity?.activityType?.name, 'publishOrderProcessed');
      });
      await handle.signal(settledSignal, signalArgument);
      assert.deepEqual(await handle.result(), done);
    });
  });

  describe('when it receives invalid values,', () => {
    const invalidValues = [
      null,
      [null],
      5,
      'x',
      {},
      { orderId: null },
      { outcomes: null },
      { outcomes: [null, 5, {}] },
    ];
    for (const value of invalidValues) {
      it(`ignores ${JSON.stringify(value)} as the argument of a signal`, async () => {
        const { handle, signalArgument } = await startOrder();
        await lifecycle.reaches(handle, 'awaitingOutcome');
        for (const name of ['outcomeReady', 'settled', 'checkNow', 'unknown']) await handle.signal(name, value);
        await handle.signal(settledSignal, signalArgument);
        assert.deepEqual(await handle.result(), done);
      });

      it(`ignores ${JSON.stringify(value)} as the result of an activity`, async () => {
        const { handle, signalArgument } = await startOrder({ checkAfterMs: 300 });
        lifecycle.resultByHand = { value };
        await eventually('it has checked', () => assert.ok(lifecycle.published.length >= 2));
        await handle.signal(settledSignal, signalArgument);
        assert.deepEqual(await handle.result(), done);
      });

      it(`fails the run, instead of hanging, with ${JSON.stringify(value)} as its input`, async () => {
        const handle = await startWith(workflowIdOf(randomUUID()), value as unknown as OrderLifecycleInput);
        await assert.rejects(handle.result(), /Workflow execution failed/);
      });
    }

    it('applies a valid outcome and ignores invalid ones and those of other orders beside it', async () => {
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

  it('shows its progress in search attributes and live details', async () => {
    const { orderId, handle, signalArgument } = await startOrder();
    await handle.signal(outcomeReadySignal, signalArgument);
    await lifecycle.reaches(handle, 'awaitingSettlement');
    const details = JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    assert.match(details, new RegExp(`Order \`${orderId}\`: \\*\\*done\\*\\*, version 2`));
    assert.match(details, /order\.processed of .* published/);
    await handle.signal(settledSignal, signalArgument);
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

  it('continues with what a previous run knew and publishes nothing a second time', async () => {
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
