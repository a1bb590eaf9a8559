import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { SearchAttributeType, type SignalDefinition } from '@temporalio/common';
import pLimit from 'p-limit';
import { createBatcher } from '../../infra/runtime/batcher.js';
import { failpoint } from '../../infra/runtime/failpoint.js';
import { isTemporalOutage, TemporalUnavailable } from '../../infra/temporal/outage.js';
import type { SearchAttributeTypes } from '../../infra/temporal/search-attributes.js';
import type { TemporalConnection } from '../../infra/temporal/temporal-connection.js';
import {
  checkNowSignal,
  outcomeReadySignal,
  searchAttributes,
  settledSignal,
  taskQueues,
  type OrderLifecycleInput,
  type OrderOutcome,
  type OutcomesSignal,
} from '../contract/messages.js';
import type { orderLifecycle } from '../order-lifecycle.js';
import { startDescriptionOf } from '../contract/start-description.js';

/** The door by which services start, find and signal the workflows of orders. Every call has a deadline. */
export interface OrderWorkflowClient {
  /**
   * Starts a workflow, unless one with this id is running. `taken`: that one carries other orders or is not ours.
   * @throws while Temporal is unavailable, or when it refuses
   */
  start(workflowId: string, input: OrderLifecycleInput): Promise<'started' | 'running' | 'taken'>;
  /** The orders that the open workflow with this id carries; none when it is closed, unknown, or not ours. */
  ordersOf(workflowId: string): Promise<ReadonlySet<string>>;
  /** Hints that the processor has decided an order, whose outcome is to be published; false when the workflow is not open. */
  signalOutcomeReady(workflowId: string, outcome: OrderOutcome): Promise<boolean>;
  /** Hints that an order is settled; those that come within half a second for one workflow leave together. */
  signalSettled(workflowId: string, outcome: OrderOutcome): Promise<boolean>;
  /** Hints that the workflow should look for itself now; false when it is not open. */
  signalCheckNow(workflowId: string): Promise<boolean>;
}

/** What a namespace must know for our workflows. */
export const searchAttributeTypes: SearchAttributeTypes = {
  [searchAttributes.orderId.name]: SearchAttributeType.KEYWORD_LIST,
  [searchAttributes.orderStatus.name]: SearchAttributeType.KEYWORD,
  [searchAttributes.orderStage.name]: SearchAttributeType.KEYWORD,
};

/** Off any request's path, so a slow server is given time: a start that was given up may have happened. */
const startTimeoutMs = 10_000;
/** Short: a signal that fails is forgotten, since the workflow looks for itself. */
const signalTimeoutMs = 2000;
/**
 * When a processor comes back after hours, thousands of workflows are to be told at once. All together they would run into
 * the deadline above; in turn, a busy development server takes some hundred a second.
 */
const maxSignalsInFlight = 20;
/** More are not kept: a hint that comes minutes late spares its workflow nothing. */
const maxSignalsWaiting = 10_000;
const describeTimeoutMs = 5000;
/**
 * To a workflow every signal is a task of tens of milliseconds, whatever it carries; and an order that is settled within
 * its workflow's first task, by another instance's consumer, needs no signal by the time this one leaves.
 */
const settledLingerMs = 500;
/** One signal of 100 outcomes is some 12 kB in the history; the server takes 2 MB. */
const maxOutcomesPerSignal = 100;

const workflowType = 'orderLifecycle' satisfies typeof orderLifecycle.name;

/** The client both services use, over the process's shared connection. */
export function createOrderWorkflowClient(link: Pick<TemporalConnection, 'call'>): OrderWorkflowClient {
  const inTurn = pLimit(maxSignalsInFlight);

  /** False when the workflow is not there to be told. */
  async function signal<Args extends unknown[]>(
    workflowId: string,
    definition: SignalDefinition<Args>,
    ...args: Args
  ): Promise<boolean> {
    if (inTurn.pendingCount >= maxSignalsWaiting) throw new TemporalUnavailable('too many workflows wait to be told');
    try {
      failpoint('signal.before');
      await inTurn(() =>
        link.call(signalTimeoutMs, (client) => client.workflow.getHandle(workflowId).signal(definition, ...args)),
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  const batchedBy = (definition: SignalDefinition<[OutcomesSignal]>, lingerMs: number) =>
    createBatcher<{ workflowId: string; outcome: OrderOutcome }, boolean>({
      key: ({ workflowId }) => workflowId,
      lingerMs,
      maxBatchSize: maxOutcomesPerSignal,
      maxInFlight: 1,
      isOutage: isTemporalOutage,
      run: async (items) => {
        const outcomes = items.map(({ outcome }) => outcome);
        const told = await signal(items[0]?.workflowId ?? '', definition, { outcomes });
        return items.map(() => told);
      },
    });
  const outcomeReady = batchedBy(outcomeReadySignal, 0);
  const settled = batchedBy(settledSignal, settledLingerMs);

  async function ordersOf(workflowId: string): Promise<ReadonlySet<string>> {
    try {
      const { status, type, typedSearchAttributes } = await link.call(describeTimeoutMs, (client) =>
        client.workflow.getHandle(workflowId).describe(),
      );
      const isOurs = status.name === 'RUNNING' && type === workflowType;
      return new Set(isOurs ? typedSearchAttributes.get(searchAttributes.orderId) : []);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return new Set();
      throw error;
    }
  }

  return {
    start: async (workflowId, input) => {
      try {
        failpoint('start.before');
        await link.call(startTimeoutMs, (client) =>
          client.workflow.start<typeof orderLifecycle>(workflowType, {
            ...startOptions(workflowId, input),
            requestEagerStart: true,
          }),
        );
        failpoint('start.after');
        return 'started';
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const carried = await ordersOf(workflowId);
        return input.orderIds.every((id) => carried.has(id)) ? 'running' : 'taken';
      }
    },
    ordersOf,
    signalOutcomeReady: (workflowId, outcome) => outcomeReady({ workflowId, outcome }),
    signalSettled: (workflowId, outcome) => settled({ workflowId, outcome }),
    signalCheckNow: (workflowId) => signal(workflowId, checkNowSignal),
  };
}

function startOptions(workflowId: string, input: OrderLifecycleInput) {
  return {
    taskQueue: taskQueues.orderApi,
    workflowId,
    args: [input] as [OrderLifecycleInput],
    workflowIdConflictPolicy: 'FAIL',
    // The database says that the order is pending, so whatever has closed under this id has not ended it.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    ...startDescriptionOf(input.orderIds),
  } as const;
}
