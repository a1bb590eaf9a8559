import { defineQuery, defineSignal } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** One place for every name that services and workflow must agree on; a mismatch of a task queue's name is silent. */
export const taskQueues = { orderApi: 'order-api', processor: 'processor' } as const;

const ownIdPrefix = 'order-';
/** Begins the id of a workflow that carries several orders; no order's own workflow can have such an id. */
export const groupIdPrefix = 'orders-';

/** The id of the workflow that carries this order and no other. */
export function workflowIdOf(orderId: string): string {
  return ownIdPrefix + orderId;
}

/** True for ids as our workflows have them: a message from outside must not make us signal anybody else's. */
export function isLifecycleId(workflowId: unknown): workflowId is string {
  return (
    typeof workflowId === 'string' &&
    workflowId.length <= 200 &&
    (workflowId.startsWith(ownIdPrefix) || workflowId.startsWith(groupIdPrefix))
  );
}

/** Where the order's workflow is. */
export type LifecycleStage =
  'publishingCreated' | 'awaitingOutcome' | 'publishingProcessed' | 'awaitingSettlement' | 'settled';

/** How an order ends: what the processor has decided, with the version that the order has after it. */
export interface OrderOutcome {
  readonly orderId: string;
  readonly status: 'done' | 'failed';
  readonly version: number;
}

/**
 * One order, or several that are carried together. Ids, versions and statuses only: a workflow's history is kept, shown
 * and exported, so no customer data enters it.
 */
export interface OrderLifecycleInput {
  readonly orderIds: readonly string[];
  /** How long the workflow hears nothing before it looks for itself; the next time after twice that, up to an hour. */
  readonly checkAfterMs: number;
  /** Of a run that continues another one whose history grew long: what that run knew of its orders. */
  readonly known?: KnownFacts;
}

interface KnownFacts {
  readonly outcomes: readonly OrderOutcome[];
  readonly settled: readonly OrderOutcome[];
}

/** Of one order its outcome, of several how many ended how. */
export type OrderLifecycleResult = Pick<OrderOutcome, 'status' | 'version'> | GroupResult;

interface GroupResult {
  readonly done: number;
  readonly failed: number;
}

/** What both signals carry. */
export interface OutcomesSignal {
  readonly outcomes: readonly OrderOutcome[];
}

// The signals are hints: they spare a workflow the wait until it looks for itself. One that is lost, repeated or makes no
// sense changes nothing about how the order ends.

/** The processor has decided these orders and could not publish their outcomes by itself. */
export const outcomeReadySignal = defineSignal<[OutcomesSignal]>('outcomeReady');
/** The order API has applied the outcomes of these orders. */
export const settledSignal = defineSignal<[OutcomesSignal]>('settled');
/** Look now and do not wait for the next check. */
export const checkNowSignal = defineSignal('checkNow');
export const stageQuery = defineQuery<LifecycleStage>('stage');

/** `Status` is Temporal's own word in the workflow list, so the business status has a longer name. */
export const searchAttributes = {
  /** Every order the workflow carries. */
  orderId: defineSearchAttributeKey('OrderId', SearchAttributeType.KEYWORD_LIST),
  orderStatus: defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD),
  orderStage: defineSearchAttributeKey('OrderStage', SearchAttributeType.KEYWORD),
} as const;
