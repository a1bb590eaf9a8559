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

/** Starts, queries and signals order workflows on behalf of the services. Every call has a deadline. */
export interface OrderWorkflowClient {
  /**
   * Starts a workflow unless one with this id is running. Returns `running` when that one carries all of these orders,
   * and `taken` when it does not or is of another type.
   * @throws while Temporal is unavailable, or when it refuses the start
   */
  start(workflowId: string, input: OrderLifecycleInput): Promise<'started' | 'running' | 'taken'>;
  /**
   * Returns the orders that the open workflow with this id carries; none when it is closed, unknown or of another type.
   * @throws while Temporal is unavailable
   */
  ordersOf(workflowId: string): Promise<ReadonlySet<string>>;
  /** Asks the workflow to publish an outcome of the processor. Returns false when the workflow is not open. */
  signalOutcomeReady(workflowId: string, outcome: OrderOutcome): Promise<boolean>;
  /**
   * Hints that an order is settled. Hints for one workflow within half a second share a signal. Returns false when the
   * workflow is not open.
   */
  signalSettled(workflowId: string, outcome: OrderOutcome): Promise<boolean>;
  /** Hints that the workflow should check by itself now. Returns false when the workflow is not open. */
  signalCheckNow(workflowId: string): Promise<boolean>;
}

/** The search attributes that a namespace must have for the order workflows. */
export const searchAttributeTypes: SearchAttributeTypes = {
  [searchAttributes.orderId.name]: SearchAttributeType.KEYWORD_LIST,
  [searchAttributes.orderStatus.name]: SearchAttributeType.KEYWORD,
  [searchAttributes.orderStage.name]: SearchAttributeType.KEYWORD,
};

/** Long, because no request waits for a start, and a start that times out may have succeeded. */
const startTimeoutMs = 10_000;
/** Short, because a failed signal is not retried: the workflow checks by itself. */
const signalTimeoutMs = 2000;
/**
 * When a processor returns after hours, thousands of signals are due at once. Sent all together they would exceed the
 * deadline above; with this limit, a busy development server accepts on the order of a hundred per second.
 */
const maxSignalsInFlight = 20;
/** Further signals are rejected: a hint that arrives minutes late saves its workflow nothing. */
const maxSignalsWaiting = 10_000;
const describeTimeoutMs = 5000;
/**
 * Every signal costs its workflow a task of tens of milliseconds, whatever it carries. Also, an order that another
 * instance's consumer settles during the workflow's first task no longer needs the signal when the linger time ends.
 */
const settledLingerMs = 500;
/** One signal of 100 outcomes takes about 12 kB in the history; the server accepts 2 MB. */
const maxOutcomesPerSignal = 100;

const workflowType = 'orderLifecycle' satisfies typeof orderLifecycle.name;

/** Creates the client that both services use, on the process's shared connection. */
export function createOrderWorkflowClient(connection: Pick<TemporalConnection, 'call'>): OrderWorkflowClient {
  const limit = pLimit(maxSignalsInFlight);

  /** Returns false when the workflow is not open. */
  async function signal<Args extends unknown[]>(
    workflowId: string,
    definition: SignalDefinition<Args>,
    ...args: Args
  ): Promise<boolean> {
    if (limit.pendingCount >= maxSignalsWaiting) throw new TemporalUnavailable('too many signals are waiting');
    try {
      failpoint('signal.before');
      await limit(() =>
        connection.call(signalTimeoutMs, (client) => client.workflow.getHandle(workflowId).signal(definition, ...args)),
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
        const isOpen = await signal(items[0]?.workflowId ?? '', definition, { outcomes });
        return items.map(() => isOpen);
      },
    });
  const outcomeReady = batchedBy(outcomeReadySignal, 0);
  const settled = batchedBy(settledSignal, settledLingerMs);

  async function ordersOf(workflowId: string): Promise<ReadonlySet<string>> {
    try {
      const { status, type, typedSearchAttributes } = await connection.call(describeTimeoutMs, (client) =>
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
        await connection.call(startTimeoutMs, (client) =>
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
    // The order is pending in the database, so a closed workflow with this id has not settled it.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    ...startDescriptionOf(input.orderIds),
  } as const;
}
