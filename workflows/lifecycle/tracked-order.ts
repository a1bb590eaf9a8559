import type { OrderLifecycleInput, OrderLifecycleResult, OrderOutcome } from '../contract/messages.js';

/** What a workflow knows of one of its orders. */
export interface TrackedOrder {
  readonly id: string;
  /** What the processor has decided, once it is known. */
  outcome?: OrderOutcome;
  /** What the order API has applied, once it has. */
  settled?: OrderOutcome;
  /** The publishing of its outcome has been asked for, or needs no asking. */
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

export function isOpen({ settled }: TrackedOrder): boolean {
  return settled === undefined;
}

/** The processor has decided it, and nobody has asked for the outcome to be published yet. */
export function awaitsPublish(order: TrackedOrder): boolean {
  return isOpen(order) && order.outcome !== undefined && !order.outcomePublishRequested;
}

/** Nothing is left to do for it but to hear that its outcome is applied. */
export function awaitsSettlementOnly(order: TrackedOrder): boolean {
  return order.outcomePublishRequested || !isOpen(order);
}

/** Of several orders: failed, if one of them is. */
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
