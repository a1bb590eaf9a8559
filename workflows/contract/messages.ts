import { defineQuery, defineSignal } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The task queues, named once for services and workflow: a mismatch of the names would go unnoticed. */
export const taskQueues = { orderApi: 'order-api', processor: 'processor' } as const;

const ownIdPrefix = 'order-';
/** The prefix of the id of a workflow that carries several orders; the id of an order's own workflow never has it. */
export const groupIdPrefix = 'orders-';

/** Returns the id of the workflow that carries only this order. */
export function workflowIdOf(orderId: string): string {
  return ownIdPrefix + orderId;
}

/** Returns true for the id of an order workflow, so that a message cannot make a service signal any other workflow. */
export function isLifecycleId(workflowId: unknown): workflowId is string {
  return (
    typeof workflowId === 'string' &&
    workflowId.length <= 200 &&
    (workflowId.startsWith(ownIdPrefix) || workflowId.startsWith(groupIdPrefix))
  );
}

/** The stage that the order's workflow has reached. */
export type LifecycleStage =
  'publishingCreated' | 'awaitingOutcome' | 'publishingProcessed' | 'awaitingSettlement' | 'settled';

/** How an order ends: what the processor decided, with the version that this gives the order. */
export interface OrderOutcome {
  readonly orderId: string;
  readonly status: 'done' | 'failed';
  readonly version: number;
}

/**
 * The input for one order or a group of orders. It has only ids, versions and statuses: a workflow's history is
 * retained, displayed and exported, so it must not contain customer data.
 */
export interface OrderLifecycleInput {
  readonly orderIds: readonly string[];
  /** How long the workflow waits for a signal before it checks by itself; see `checkDelayMs`. */
  readonly checkAfterMs: number;
  /** Set when this run continues one whose history grew too long: what that run knew about its orders. */
  readonly known?: KnownFacts;
}

interface KnownFacts {
  readonly outcomes: readonly OrderOutcome[];
  readonly settled: readonly OrderOutcome[];
}

/** For one order, its outcome; for a group, the number of orders with each status. */
export type OrderLifecycleResult = Pick<OrderOutcome, 'status' | 'version'> | GroupResult;

interface GroupResult {
  readonly done: number;
  readonly failed: number;
}

/** The argument of the `outcomeReady` and `settled` signals. */
export interface OutcomesSignal {
  readonly outcomes: readonly OrderOutcome[];
}

// The signals are hints that save a workflow the wait until its next check. A signal that is lost, repeated or invalid
// does not change how the order ends.

/** The processor has decided these orders but could not publish their outcomes. */
export const outcomeReadySignal = defineSignal<[OutcomesSignal]>('outcomeReady');
/** The order API has applied the outcomes of these orders. */
export const settledSignal = defineSignal<[OutcomesSignal]>('settled');
/** The workflow should check now instead of waiting for the next check. */
export const checkNowSignal = defineSignal('checkNow');
export const stageQuery = defineQuery<LifecycleStage>('stage');

/** Temporal's workflow list already has a `Status`, so the business status has a longer name. */
export const searchAttributes = {
  /** Every order the workflow carries. */
  orderId: defineSearchAttributeKey('OrderId', SearchAttributeType.KEYWORD_LIST),
  orderStatus: defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD),
  orderStage: defineSearchAttributeKey('OrderStage', SearchAttributeType.KEYWORD),
} as const;
