import { defineQuery, defineSignal } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** One place for every name that services and workflow must agree on; a mismatch of a task queue's name is silent. */
export const taskQueues = { orderApi: 'order-api', processor: 'processor' } as const;

const workflowIdPrefix = 'order-';

/** The id of the workflow that carries the order: the same order never has two at a time. */
export function workflowIdOf(orderId: string): string {
  return workflowIdPrefix + orderId;
}

/** Where the order's workflow is. */
export type LifecycleStage =
  'publishingCreated' | 'awaitingOutcome' | 'publishingProcessed' | 'awaitingSettlement' | 'settled';

/**
 * One order, or several that are carried together. Ids, versions and statuses only: a workflow's history is kept, shown
 * and exported, so no customer data enters it.
 */
export type OrderLifecycleInput = { readonly orderId: string } | { readonly orderIds: readonly string[] };

export interface OrderOutcome {
  readonly status: 'done' | 'failed';
  readonly version: number;
}

/** Without an order id, as it was first sent: the workflow's only order. */
export interface OutcomeSignal extends OrderOutcome {
  readonly orderId?: string;
}

/** Of one order its outcome, of several how many ended how. */
export type OrderLifecycleResult = OrderOutcome | { readonly done: number; readonly failed: number };

/** The processor has decided these orders and stored its answers. Sent at least once. */
export const outcomeReady = defineSignal<OutcomeSignal[]>('outcomeReady');
/** The order API has applied the answers to these orders. Sent at least once. */
export const settled = defineSignal<OutcomeSignal[]>('settled');
export const stageQuery = defineQuery<LifecycleStage>('stage');

/** `Status` is Temporal's own word in the workflow list, so the business status has a longer name. */
export const searchAttributes = {
  /** A list, since a workflow may come to carry several orders. */
  orderId: defineSearchAttributeKey('OrderId', SearchAttributeType.KEYWORD_LIST),
  orderStatus: defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD),
  orderStage: defineSearchAttributeKey('OrderStage', SearchAttributeType.KEYWORD),
} as const;
