import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import fc from 'fast-check';
import { eventually } from '../infra/testing/eventually.js';
import { createTestNamespace, type TestNamespace } from '../infra/testing/test-namespace.js';
import { workflowCoverage } from '../infra/testing/workflow-coverage.js';
import {
  outcomeReady,
  settled,
  stageQuery,
  taskQueues,
  workflowIdOf,
  type LifecycleStage,
  type OutcomeSignal,
} from './messages.js';
import type { orderLifecycle } from './order-lifecycle.js';

const done = { status: 'done', version: 2 } as const;

describe('the life of an order, on a real Temporal server', () => {
  let temporal: TestNamespace;
  let workers: Worker[];
  let running: Promise<unknown>;
  let published: string[];
  /** How many of the next publishes fail. */
  let failures: number;

  before(async () => {
    temporal = await createTestNamespace();
    const publish =
      (event: string) =>
      async (...orderIds: string[]) => {
        if (failures > 0) {
          failures -= 1;
          throw new Error('RabbitMQ is not connected');
        }
        published.push(`${event} ${orderIds.join(' ')}`);
        return { messageIds: [] };
      };
    const { connection, namespace } = temporal;
    workers = [
      await Worker.create(
        workflowCoverage.augment({
          connection,
          namespace,
          taskQueue: taskQueues.orderApi,
          workflowsPath: fileURLToPath(new URL('./order-lifecycle.ts', import.meta.url)),
          activities: { publishOrderCreated: publish('order.created') },
        }),
      ),
      await Worker.create({
        connection,
        namespace,
        taskQueue: taskQueues.processor,
        activities: { publishOrderProcessed: publish('order.processed') },
      }),
    ];
    running = Promise.all(workers.map((worker) => worker.run()));
  });

  after(async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await temporal.close();
    workflowCoverage.save();
  });

  beforeEach(() => {
    published = [];
    failures = 0;
  });

  async function startOrder(orderId = `o-${randomUUID()}`) {
    const handle = await temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
      taskQueue: taskQueues.orderApi,
      workflowId: workflowIdOf(orderId),
      args: [{ orderId }],
    });
    return { orderId, handle };
  }

  async function reaches(handle: WorkflowHandle<typeof orderLifecycle>, stage: LifecycleStage): Promise<void> {
    await eventually(`stage ${stage}`, async () => assert.equal(await handle.query(stageQuery), stage));
  }

  it('publishes, waits, publishes, waits, and ends with the status and the version', async () => {
    const { orderId, handle } = await startOrder();
    await reaches(handle, 'awaitingOutcome');
    assert.deepEqual(published, [`order.created ${orderId}`]);
    await handle.signal(outcomeReady, done);
    await reaches(handle, 'awaitingSettlement');
    assert.deepEqual(published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.equal(await handle.query(stageQuery), 'settled');
  });

  it('ends a failed order as failed', async () => {
    const { handle } = await startOrder();
    await handle.signal(outcomeReady, { status: 'failed', version: 2 });
    await reaches(handle, 'awaitingSettlement');
    await handle.signal(settled, { status: 'failed', version: 2 });
    assert.deepEqual(await handle.result(), { status: 'failed', version: 2 });
  });

  it('tries a publish again until it works', async () => {
    failures = 3;
    const { orderId, handle } = await startOrder();
    await reaches(handle, 'awaitingOutcome');
    assert.deepEqual(published, [`order.created ${orderId}`]);
    assert.equal(failures, 0);
    await handle.terminate();
  });

  it('shows a publish that fails as a pending activity with its attempts and last error', async () => {
    failures = Number.MAX_SAFE_INTEGER;
    const { handle } = await startOrder();
    await eventually('a second attempt is shown', async () => {
      const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
      assert.ok((activity?.attempt ?? 0) >= 2);
      assert.match(activity?.lastFailure?.message ?? '', /RabbitMQ is not connected/);
    });
    await handle.terminate();
  });

  it('takes signals that come early, before the first event is published', async () => {
    failures = 4;
    const { orderId, handle } = await startOrder();
    await handle.signal(outcomeReady, done);
    await reaches(handle, 'awaitingSettlement');
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(published, [`order.created ${orderId}`, `order.processed ${orderId}`]);
  });

  it('ignores a signal it has already had, whatever it says', async () => {
    const { orderId, handle } = await startOrder();
    await reaches(handle, 'awaitingOutcome');
    await handle.signal(outcomeReady, done);
    await handle.signal(outcomeReady, { status: 'failed', version: 3 });
    await reaches(handle, 'awaitingSettlement');
    await handle.signal(outcomeReady, done);
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.equal(published.filter((event) => event === `order.processed ${orderId}`).length, 1);
  });

  it('comes to its end when the order turns out to be settled already', async () => {
    const { orderId, handle } = await startOrder();
    await reaches(handle, 'awaitingOutcome');
    await handle.signal(settled, done);
    assert.deepEqual(await handle.result(), done);
    assert.deepEqual(published, [`order.created ${orderId}`]);
  });

  it('tells people where it is: search attributes and live details', async () => {
    const { orderId, handle } = await startOrder();
    await handle.signal(outcomeReady, done);
    await reaches(handle, 'awaitingSettlement');
    const details = await handle
      .query<string>('__temporal_workflow_metadata')
      .then((metadata) => JSON.stringify(metadata));
    assert.match(details, new RegExp(`Order \`${orderId}\`: \\*\\*done\\*\\*, version 2`));
    assert.match(details, /publishingProcessed/);
    await handle.signal(settled, done);
    await handle.result();
    await eventually('the order is found by its stage and status', async () => {
      const found = temporal.client.workflow.list({
        query: `OrderStage="settled" AND OrderStatus="done" AND WorkflowId="${handle.workflowId}"`,
      });
      const ids = [];
      for await (const workflow of found) ids.push(workflow.workflowId);
      assert.deepEqual(ids, [handle.workflowId]);
    });
  });

  describe('of several orders in one workflow', () => {
    async function startGroup(size: number) {
      const orderIds = Array.from({ length: size }, () => `o-${randomUUID()}`);
      const handle = await temporal.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
        taskQueue: taskQueues.orderApi,
        workflowId: `orders-${randomUUID()}`,
        args: [{ orderIds }],
      });
      return { orderIds, handle };
    }
    const of = (orderId: string | undefined, status: 'done' | 'failed' = 'done') =>
      ({ orderId: String(orderId), status, version: 2 }) as const;
    const answersPublished = () =>
      published.filter((line) => line.startsWith('order.processed')).flatMap((line) => line.split(' ').slice(1));

    it('publishes the first events together and each answer as it comes; no order waits for another', async () => {
      const { orderIds, handle } = await startGroup(5);
      const [first, ...others] = orderIds;
      await reaches(handle, 'awaitingOutcome');
      assert.deepEqual(published, [`order.created ${orderIds.join(' ')}`]);
      await handle.signal(outcomeReady, of(first));
      await eventually('its answer is published', () => assert.deepEqual(answersPublished(), [first]));
      await handle.signal(settled, of(first));
      assert.equal(await handle.query(stageQuery), 'awaitingOutcome');
      await handle.signal(outcomeReady, ...others.map((id) => of(id, 'failed')));
      await reaches(handle, 'awaitingSettlement');
      assert.deepEqual(answersPublished().sort(), [...orderIds].sort());
      await handle.signal(settled, ...others.map((id) => of(id, 'failed')));
      assert.deepEqual(await handle.result(), { done: 1, failed: 4 });
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

    it('publishes, settles and reports every order once, whatever arrives when and how often', async () => {
      const steps = fc.array(
        fc.record({
          kind: fc.constantFrom('outcome', 'settled'),
          order: fc.nat(),
          copies: fc.integer({ min: 1, max: 3 }),
        }),
        { maxLength: 12 },
      );
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 2, max: 6 }), steps, async (size, given) => {
          published = [];
          const { orderIds, handle } = await startGroup(size);
          // Once the last is settled, nobody is there to be told any more.
          const tell = (...[definition, ...events]: Parameters<typeof handle.signal<OutcomeSignal[]>>) =>
            handle.signal(definition, ...events).catch((error: unknown) => {
              if (!(error instanceof WorkflowNotFoundError)) throw error;
            });
          const at = (index: number) => of(orderIds[index % size], index % 2 ? 'failed' : 'done');
          for (const { kind, order, copies } of given) {
            const events = Array.from({ length: copies }, () => at(order % size));
            await tell(kind === 'outcome' ? outcomeReady : settled, ...events, { ...of('nobody-s') });
          }
          const all = orderIds.map((_, index) => at(index));
          await tell(outcomeReady, ...all);
          await tell(settled, ...all);
          const failed = all.filter(({ status }) => status === 'failed').length;
          assert.deepEqual(await handle.result(), { done: size - failed, failed });
          assert.equal(published.filter((line) => line.startsWith('order.created')).length, 1);
          assert.equal(new Set(answersPublished()).size, answersPublished().length);
        }),
        { numRuns: 15 },
      );
    });
  });
});
