import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { SearchAttributeType, type SignalDefinition } from '@temporalio/common';
import { crashPoint } from '../infra/runtime/crash-point.js';
import type { SearchAttributeTypes } from '../infra/temporal/search-attributes.js';
import type { TemporalLink } from '../infra/temporal/temporal-link.js';
import {
  outcomeReady,
  overdue,
  searchAttributes,
  settled,
  taskQueues,
  workflowIdOf,
  type OrderLifecycleInput,
  type OrderOutcome,
  type OutcomeSignal,
} from './messages.js';
import type { orderLifecycle } from './order-lifecycle.js';
import { createSignaller } from './signaller.js';
import { startDescriptionOf } from './start-description.js';

/** The door by which services start and signal the workflows of orders. Every call has a deadline. */
export interface LifecycleClient {
  /**
   * Makes sure that the orders have this workflow: starts it, or finds the one that runs. One that has completed gets no
   * second run. @throws when Temporal is away or refuses
   * @param stragglerAfterMs how long the last few of several orders are waited for before each gets a workflow of its own
   */
  ensureStarted(workflowId: string, orderIds: readonly string[], stragglerAfterMs: number): Promise<void>;
  /** What has become of a workflow; `lost` when there is none, or it ended before its orders did. */
  stateOf(workflowId: string): Promise<WorkflowState>;
  /**
   * Tells the workflows that are known to carry the order of the processor's decision, or, when none of them is there,
   * the order's own; false when no workflow is there to be told. What comes at once for one workflow is told together.
   */
  tellOutcome(orderId: string, outcome: OrderOutcome, workflowIds: readonly string[]): Promise<boolean>;
  /** Tells the order's own workflow of the decision and starts it if there is none: for rows that nobody publishes. */
  tellOutcomeAndStart(orderId: string, outcome: OrderOutcome): Promise<void>;
  /** As `tellOutcome`, that the answer is applied. */
  tellSettled(orderId: string, outcome: OrderOutcome, workflowIds: readonly string[]): Promise<boolean>;
  /** Tells one workflow, and no other, how several of its orders have ended; false when it is not there to be told. */
  tellAllSettled(workflowId: string, orders: readonly OutcomeSignal[]): Promise<boolean>;
  /** Those of our workflows that are open and were started before; in no order, and at most so many. */
  listOpen(startedBefore: Date, limit: number): Promise<OpenWorkflow[]>;
  /** Asks a workflow to publish again what it published last of these orders; false when it is not there to be asked. */
  askToPublishAgain(workflowId: string, orderIds: readonly string[]): Promise<boolean>;
}

interface OpenWorkflow {
  readonly workflowId: string;
  /** Those it was started with. */
  readonly orderIds: readonly string[];
}

export type WorkflowState = 'running' | 'completed' | 'lost';

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
const describeTimeoutMs = 5000;
const listTimeoutMs = 10_000;

const workflowType = 'orderLifecycle' satisfies typeof orderLifecycle.name;

/** The client both services use, over the process's shared connection. */
export function createLifecycleClient(link: Pick<TemporalLink, 'call'>): LifecycleClient {
  const signal = createSignaller((workflowId, definition, events) => send(link, workflowId, definition, [...events]));

  async function tell(
    definition: SignalDefinition<OutcomeSignal[]>,
    event: OutcomeSignal & { orderId: string },
    workflowIds: readonly string[],
  ): Promise<boolean> {
    // Usually one. Two, when an order got into a second workflow; then both have to end.
    const told = await Promise.all([...new Set(workflowIds)].map((id) => signal(id, definition, event)));
    if (told.includes(true)) return true;
    const own = workflowIdOf(event.orderId);
    return workflowIds.includes(own) ? false : signal(own, definition, event);
  }

  return {
    ensureStarted: async (workflowId, orderIds, stragglerAfterMs) => {
      const [only, ...others] = orderIds;
      const input = only !== undefined && others.length === 0 ? { orderId: only } : { orderIds, stragglerAfterMs };
      try {
        crashPoint('start.before');
        await link.call(startTimeoutMs, (client) =>
          client.workflow.start<typeof orderLifecycle>(workflowType, {
            ...startOptions(workflowId, input, orderIds),
            requestEagerStart: true,
          }),
        );
        crashPoint('start.after');
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
    stateOf: async (workflowId) => {
      try {
        const { status } = await link.call(describeTimeoutMs, (client) =>
          client.workflow.getHandle(workflowId).describe(),
        );
        if (status.name === 'COMPLETED') return 'completed';
        return status.name === 'RUNNING' ? 'running' : 'lost';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'lost';
        throw error;
      }
    },
    tellOutcome: (orderId, outcome, workflowIds) => tell(outcomeReady, { orderId, ...outcome }, workflowIds),
    tellOutcomeAndStart: async (orderId, outcome) => {
      await link.call(startTimeoutMs, (client) =>
        client.workflow.signalWithStart<typeof orderLifecycle, OutcomeSignal[]>(workflowType, {
          ...startOptions(workflowIdOf(orderId), { orderId }, [orderId]),
          // The row that nobody publishes is proof enough that its workflow's end was not the order's.
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          signal: outcomeReady,
          signalArgs: [{ orderId, ...outcome }],
        }),
      );
    },
    tellSettled: (orderId, outcome, workflowIds) => tell(settled, { orderId, ...outcome }, workflowIds),
    tellAllSettled: (workflowId, orders) => send(link, workflowId, settled, [...orders]),
    listOpen: (startedBefore, limit) => link.call(listTimeoutMs, (client) => listOpen(client, startedBefore, limit)),
    askToPublishAgain: (workflowId, orderIds) => send(link, workflowId, overdue, [...orderIds]),
  };
}

async function listOpen(client: Client, startedBefore: Date, limit: number): Promise<OpenWorkflow[]> {
  const query =
    `WorkflowType = "${workflowType}" AND ExecutionStatus = "Running" ` +
    `AND StartTime < "${startedBefore.toISOString()}"`;
  const open: OpenWorkflow[] = [];
  for await (const { workflowId, typedSearchAttributes } of client.workflow.list({ query, pageSize: limit })) {
    open.push({ workflowId, orderIds: typedSearchAttributes.get(searchAttributes.orderId) ?? [] });
    if (open.length >= limit) break;
  }
  return open;
}

/** Signals this workflow within a short time; false when it is not there to be told. */
async function send<Args extends unknown[]>(
  link: Pick<TemporalLink, 'call'>,
  workflowId: string,
  definition: SignalDefinition<Args>,
  args: Args,
): Promise<boolean> {
  try {
    crashPoint('signal.before');
    await link.call(signalTimeoutMs, (client) => client.workflow.getHandle(workflowId).signal(definition, ...args));
    crashPoint('signal.after');
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function startOptions(workflowId: string, input: OrderLifecycleInput, orderIds: readonly string[]) {
  return {
    taskQueue: taskQueues.orderApi,
    workflowId,
    args: [input] as [OrderLifecycleInput],
    workflowIdConflictPolicy: 'USE_EXISTING',
    // Terminated or timed out before its order was settled: start again. Completed: the order is settled, leave it.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    ...startDescriptionOf(orderIds),
  } as const;
}
