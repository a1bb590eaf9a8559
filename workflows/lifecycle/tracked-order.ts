import type { LifecycleStage, OrderLifecycleInput, OrderLifecycleResult, OrderOutcome } from '../contract/messages.js';

/** What a workflow knows about one of its orders. */
export interface TrackedOrder {
  readonly id: string;
  /** The outcome that the processor decided, once the workflow knows it. */
  outcome?: OrderOutcome;
  /** The outcome that the order API applied, once the workflow knows it. */
  settled?: OrderOutcome;
  /** True when the workflow has requested the publishing of the outcome, or does not need to. */
  outcomePublishRequested: boolean;
}

export function trackedOrdersOf({ orderIds, known }: OrderLifecycleInput): TrackedOrder[] {
  const outcomes = new Map(known?.outcomes.map((outcome) => [outcome.orderId, outcome]));
  const settled = new Map(known?.settled.map((outcome) => [outcome.orderId, outcome]));
  return orderIds.map((id) => ({
    id,
    ...(outcomes.has(id) && { outcome: outcomes.get(id) as OrderOutcome }),
    ...(settled.has(id) && { settled: settled.get(id) as OrderOutcome }),
    outcomePublishRequested: false,
  }));
}

/** What this workflow knows, as the input of a run that continues it. */
export function knownFactsOf(orders: readonly TrackedOrder[]): NonNullable<OrderLifecycleInput['known']> {
  return {
    outcomes: orders.flatMap(({ outcome }) => outcome ?? []),
    settled: orders.flatMap(({ settled }) => settled ?? []),
  };
}

/**
 * Records facts about orders and returns the orders that learned something. The first fact of each kind about an order is
 * kept, and a fact about an order of another workflow is ignored.
 */
export function recordFacts(
  orders: ReadonlyMap<string, TrackedOrder>,
  fact: 'outcome' | 'settled',
  outcomes: readonly OrderOutcome[],
): TrackedOrder[] {
  return outcomes.flatMap(({ orderId, status, version }) => {
    const order = orders.get(orderId);
    if (!order || order[fact]) return [];
    order[fact] = { orderId, status, version };
    return [order];
  });
}

/** Returns the open orders whose outcome this workflow must publish; each is returned once. */
export function takeDuePublishes(orders: readonly TrackedOrder[]): TrackedOrder[] {
  const due = orders.filter(awaitsPublish);
  for (const order of due) order.outcomePublishRequested = true;
  return due;
}

/** Returns true when there is an outcome to publish, or nothing left to wait for. */
export function isProgress(orders: readonly TrackedOrder[]): boolean {
  return !orders.some(isOpen) || orders.some(awaitsPublish);
}

/** The stage while the workflow waits. The stage of a group is that of its last order. */
export function stageWhileWaiting(orders: readonly TrackedOrder[]): LifecycleStage {
  return orders.every(awaitsSettlementOnly) ? 'awaitingSettlement' : 'awaitingOutcome';
}

/** The stage that the publishing of outcomes puts the workflow in; undefined when its last order is not that far. */
export function stageWhilePublishing(orders: readonly TrackedOrder[]): LifecycleStage | undefined {
  return orders.every(awaitsSettlementOnly) ? 'publishingProcessed' : undefined;
}

export function isOpen({ settled }: TrackedOrder): boolean {
  return settled === undefined;
}

/** Returns true when the outcome is known but its publishing has not been requested yet. */
function awaitsPublish(order: TrackedOrder): boolean {
  return isOpen(order) && order.outcome !== undefined && !order.outcomePublishRequested;
}

/** Returns true when the workflow only has to learn that the outcome is applied. */
function awaitsSettlementOnly(order: TrackedOrder): boolean {
  return order.outcomePublishRequested || !isOpen(order);
}

/** Returns the status of a workflow's settled orders: `failed` if any of them failed. */
export function statusOf(orders: readonly TrackedOrder[]): OrderOutcome['status'] {
  return orders.some(({ settled }) => settled?.status === 'failed') ? 'failed' : 'done';
}

export function resultOf(orders: readonly TrackedOrder[]): OrderLifecycleResult {
  const [only, ...others] = orders;
  if (only?.settled && others.length === 0) return { status: only.settled.status, version: only.settled.version };
  const count = (status: OrderOutcome['status']): number =>
    orders.filter(({ settled }) => settled?.status === status).length;
  return { done: count('done'), failed: count('failed') };
}
