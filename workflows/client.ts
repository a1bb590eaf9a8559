import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { SearchAttributeType, TypedSearchAttributes, type SignalDefinition } from '@temporalio/common';
import type { SearchAttributeTypes } from '../infra/temporal/search-attributes.js';
import type { TemporalLink } from '../infra/temporal/temporal-link.js';
import {
  outcomeReady,
  searchAttributes,
  settled,
  taskQueues,
  workflowIdOf,
  type OrderLifecycleInput,
  type OrderOutcome,
  type OutcomeSignal,
} from './messages.js';
import type { orderLifecycle } from './order-lifecycle.js';

/** The door by which services start and signal an order's workflow. Every call has a deadline. */
export interface LifecycleClient {
  /**
   * Makes sure that the order has a workflow: starts one, or finds the one that runs. An order whose workflow has
   * completed gets no second one. @throws when Temporal is away or refuses
   */
  ensureStarted(orderId: string): Promise<void>;
  /** Tells the order's workflow of the processor's decision; false when no workflow is there to be told. */
  tellOutcome(orderId: string, outcome: OrderOutcome): Promise<boolean>;
  /** Tells the order's workflow of the decision and starts it if there is none: for rows that nobody publishes. */
  tellOutcomeAndStart(orderId: string, outcome: OrderOutcome): Promise<void>;
  /** Tells the order's workflow that the answer is applied; false when no workflow is there to be told. */
  tellSettled(orderId: string, outcome: OrderOutcome): Promise<boolean>;
}

/** What a namespace must know for our workflows. */
export const searchAttributeTypes: SearchAttributeTypes = {
  [searchAttributes.orderId.name]: SearchAttributeType.KEYWORD_LIST,
  [searchAttributes.orderStatus.name]: SearchAttributeType.KEYWORD,
  [searchAttributes.orderStage.name]: SearchAttributeType.KEYWORD,
};

/** Off any request's path, so a slow server is given time: a start that was given up may have happened. */
const startTimeoutMs = 10_000;
/** Short: a delivery waits for it, and a signal that fails is owed and sent later. */
const signalTimeoutMs = 2000;

const workflowType = 'orderLifecycle' satisfies typeof orderLifecycle.name;

/** The client both services use, over the process's shared connection. */
export function createLifecycleClient(link: TemporalLink): LifecycleClient {
  async function signal(orderId: string, definition: SignalDefinition<OutcomeSignal[]>, outcome: OrderOutcome) {
    try {
      await link.call(signalTimeoutMs, (client) =>
        client.workflow.getHandle(workflowIdOf(orderId)).signal(definition, { orderId, ...outcome }),
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  return {
    ensureStarted: async (orderId) => {
      try {
        await link.call(startTimeoutMs, (client) =>
          client.workflow.start<typeof orderLifecycle>(workflowType, {
            ...startOptions(orderId),
            requestEagerStart: true,
          }),
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
    tellOutcome: (orderId, outcome) => signal(orderId, outcomeReady, outcome),
    tellOutcomeAndStart: async (orderId, outcome) => {
      await link.call(startTimeoutMs, (client) =>
        client.workflow.signalWithStart<typeof orderLifecycle, OutcomeSignal[]>(workflowType, {
          ...startOptions(orderId),
          // The row that nobody publishes is proof enough that its workflow's end was not the order's.
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          signal: outcomeReady,
          signalArgs: [{ orderId, ...outcome }],
        }),
      );
    },
    tellSettled: (orderId, outcome) => signal(orderId, settled, outcome),
  };
}

function startOptions(orderId: string): WorkflowStartOptions<typeof orderLifecycle> {
  const input: OrderLifecycleInput = { orderId };
  return {
    taskQueue: taskQueues.orderApi,
    workflowId: workflowIdOf(orderId),
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // Terminated or timed out before its order was settled: start again. Completed: the order is settled, leave it.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    staticSummary: `Order ${orderId}`,
    staticDetails: 'publish order.created → await the outcome → publish order.processed → await the settlement',
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.orderId, value: [orderId] },
      { key: searchAttributes.orderStatus, value: 'pending' },
      { key: searchAttributes.orderStage, value: 'publishingCreated' },
    ]),
  };
}
