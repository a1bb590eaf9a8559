import assert from 'node:assert/strict';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { anOrder } from '../e2e/system.js';
import { eventually } from '../testing/eventually.js';
import { testServers } from '../testing/test-servers.js';
import { FaultRun } from './fault-run.js';
import { fault } from './selection.js';

/** Reaching a stage takes a publish and a check, with failing attempts of 5 s each. */
const reachLimitMs = 40_000;
/** Settling takes a pass of the reconciler and a check of the new workflow. */
const settleLimitMs = 90_000;
const { EventType } = proto.temporal.api.enums.v1;

interface Stage {
  /** Runs before the order is placed, so that its workflow stays in this stage. */
  readonly before: (run: FaultRun) => Promise<void>;
  /** Runs once the order's event is published, for the same purpose. */
  readonly after?: (run: FaultRun) => Promise<void>;
  /** Lets the workflow leave the stage. */
  readonly release: (run: FaultRun) => Promise<void>;
}

const stopProcessor = async (run: FaultRun): Promise<void> => void (await run.serviceOf('processor').stop());
const startProcessor = (run: FaultRun): Promise<void> => run.startService('processor');
const fillDisk = async (isFull: boolean): Promise<void> => testServers().rabbitmq.server?.setDiskFull(isFull);

const stages: Readonly<Record<string, Stage>> = {
  publishingCreated: {
    before: async (run) => run.link('order-api to RabbitMQ').down(),
    release: async (run) => run.link('order-api to RabbitMQ').restore(),
  },
  awaitingOutcome: { before: stopProcessor, release: startProcessor },
  publishingProcessed: {
    before: stopProcessor,
    after: async (run) => {
      await fillDisk(true);
      await startProcessor(run);
    },
    release: () => fillDisk(false),
  },
  awaitingSettlement: {
    before: stopProcessor,
    after: async (run) => {
      run.link('order-api to RabbitMQ').down();
      await startProcessor(run);
    },
    release: async (run) => run.link('order-api to RabbitMQ').restore(),
  },
};

/** What a person can do to a workflow in Temporal Web UI. */
const actions: Readonly<Record<string, (handle: WorkflowHandle) => Promise<unknown>>> = {
  terminated: (handle) => handle.terminate('by hand'),
  cancelled: (handle) => handle.cancel(),
  reset: resetToItsFirstTask,
};

describe('a workflow that a person', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start({ APP__ORDERS_PER_WORKFLOW: '1' });
  });
  after(() => run.stop());

  for (const [stage, { before: prepare, after: proceed, release }] of Object.entries(stages)) {
    for (const [action, act] of Object.entries(actions)) {
      const quick = stage === 'awaitingOutcome' && action === 'terminated';
      fault(`has ${action} in stage ${stage} loses no order`, { quick }, async function () {
        if (stage === 'publishingProcessed' && !testServers().rabbitmq.server) return this.skip();
        await run.survives({
          what: `a workflow ${action} by a person in ${stage}`,
          // Each order has its own workflow, and RabbitMQ is unavailable until the stage is reached: a low rate keeps
          // the backlog short.
          load: { ordersPerSecond: 10 },
          inject: async () => {
            await prepare(run);
            const { order_id: orderId, ...order } = anOrder();
            assert.equal((await run.system.post({ order_id: orderId, ...order })).status, 201);
            if (proceed) await run.system.published([orderId]);
            await proceed?.(run);
            const handle = run.system.temporal.client.workflow.getHandle(`order-${orderId}`);
            try {
              await eventually(`it is in ${stage}`, () => isIn(handle, stage), reachLimitMs);
              await act(handle);
            } finally {
              await release(run);
            }
            await run.system.settled(orderId, settleLimitMs);
          },
        });
      });
    }
  }
});

/**
 * Asserts that the workflow is in the stage. For `publishingProcessed` it looks at the publishing activity, which runs
 * for a check as well as after a signal, and requires one failed attempt.
 */
async function isIn(handle: WorkflowHandle, stage: string): Promise<void> {
  if (stage === 'publishingProcessed') {
    const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
    assert.equal(activity?.activityType?.name, 'publishOrderProcessed');
    assert.ok((activity.attempt ?? 0) >= 2, 'it has failed at least once');
  } else {
    // A workflow cannot be queried while its first task is open.
    assert.equal(await handle.query('stage'), stage);
  }
}

/** Resets the workflow as Temporal Web UI does: a new run begins where the first task ended. */
async function resetToItsFirstTask(handle: WorkflowHandle): Promise<void> {
  const { events } = await handle.fetchHistory();
  const first = events?.find(({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
  assert.ok(first?.eventId, 'its first task has completed');
  const { workflowService, options } = handle.client;
  await workflowService.resetWorkflowExecution({
    namespace: options.namespace,
    workflowExecution: { workflowId: handle.workflowId },
    reason: 'by hand',
    requestId: handle.workflowId,
    workflowTaskFinishEventId: first.eventId,
  });
}
