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

/** True for a workflow that carries several orders. */
export function isGroupId(workflowId: string): boolean {
  return workflowId.startsWith(groupIdPrefix);
}

/** True for ids as our workflows have them: a message from outside must not make us signal anybody else's. */
export function isLifecycleId(workflowId: unknown): workflowId is string {
  return (
    typeof workflowId === 'string' &&
    workflowId.length <= 200 &&
    (workflowId.startsWith(ownIdPrefix) || isGroupId(workflowId))
  );
}

/** Where the order's workflow is. */
export type LifecycleStage =
  'publishingCreated' | 'awaitingOutcome' | 'publishingProcessed' | 'awaitingSettlement' | 'settled';

/**
 * One order, or several that are carried together. Ids, versions and statuses only: a workflow's history is kept, shown
 * and exported, so no customer data enters it.
 */
export type OrderLifecycleInput = SingleOrder | SeveralOrders;

export interface SingleOrder {
  readonly orderId: string;
  /** Of an order that was moved out of a group after the processor had decided it. */
  readonly outcome?: OrderOutcome;
}

interface SeveralOrders {
  readonly orderIds: readonly string[];
  /** How long the last few may be waited for, once the others are settled, before each gets a workflow of its own. */
  readonly stragglerAfterMs: number;
}

export interface OrderOutcome {
  readonly status: 'done' | 'failed';
  readonly version: number;
}

/** Without an order id, as it was first sent: the workflow's only order. */
export interface OutcomeSignal extends OrderOutcome {
  readonly orderId?: string;
}

/** Of one order its outcome, of several how many ended how, and how many went on in workflows of their own. */
export type OrderLifecycleResult = OrderOutcome | GroupResult;

interface GroupResult {
  readonly done: number;
  readonly failed: number;
  readonly moved: number;
}

/** The processor has decided these orders and stored its answers. Sent at least once. */
export const outcomeReady = defineSignal<OutcomeSignal[]>('outcomeReady');
/** The order API has applied the answers to these orders. Sent at least once. */
export const settled = defineSignal<OutcomeSignal[]>('settled');
/**
 * Nothing has been heard of these orders for long: what was published last may have been lost on its way, with the queue it
 * was in. Publishing it again is harmless. Sent at least once.
 */
export const overdue = defineSignal<string[]>('overdue');
export const stageQuery = defineQuery<LifecycleStage>('stage');

/** `Status` is Temporal's own word in the workflow list, so the business status has a longer name. */
export const searchAttributes = {
  /** Every order the workflow carries. */
  orderId: defineSearchAttributeKey('OrderId', SearchAttributeType.KEYWORD_LIST),
  orderStatus: defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD),
  orderStage: defineSearchAttributeKey('OrderStage', SearchAttributeType.KEYWORD),
} as const;
