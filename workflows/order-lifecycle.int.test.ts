import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { eventually } from '../infra/testing/eventually.js';
import { createTestNamespace, type TestNamespace } from '../infra/testing/test-namespace.js';
import { workflowCoverage } from '../infra/testing/workflow-coverage.js';
import { outcomeReady, settled, stageQuery, taskQueues, workflowIdOf, type LifecycleStage } from './messages.js';
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
    const publish = (event: string) => async (orderId: string) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error('RabbitMQ is not connected');
      }
      published.push(`${event} ${orderId}`);
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
});
