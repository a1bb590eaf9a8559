import type { OrderLifecycleInput, OrderLifecycleResult, OrderOutcome } from './messages.js';

/** What a workflow knows of one of its orders. */
export interface TrackedOrder {
  readonly id: string;
  /** The processor's decision, once it is known. */
  outcome?: OrderOutcome;
  /** What the order API has applied, once it has. */
  settlement?: OrderOutcome;
  /** Its answer has been asked for. */
  taken: boolean;
  /** It goes on in a workflow of its own. */
  moved: boolean;
}

export function trackedOrdersOf(input: OrderLifecycleInput): TrackedOrder[] {
  if ('orderIds' in input) return input.orderIds.map((id) => ({ id, taken: false, moved: false }));
  const { orderId, outcome } = input;
  return [{ id: orderId, taken: false, moved: false, ...(outcome && { outcome }) }];
}

export function isOpen({ settlement, moved }: TrackedOrder): boolean {
  return settlement === undefined && !moved;
}

export function isDecided(order: TrackedOrder): boolean {
  return isOpen(order) && order.outcome !== undefined && !order.taken;
}

/** Its answer has been asked for, or there is none to ask for any more. */
export function isUnderWay(order: TrackedOrder): boolean {
  return order.taken || !isOpen(order);
}

/** Of several orders: failed, if one of them is. */
export function statusOf(orders: readonly TrackedOrder[]): OrderOutcome['status'] {
  return orders.some(({ settlement }) => settlement?.status === 'failed') ? 'failed' : 'done';
}

export function resultOf(orders: readonly TrackedOrder[]): OrderLifecycleResult {
  const [only, ...others] = orders;
  if (only?.settlement && others.length === 0) return only.settlement;
  const count = (status: OrderOutcome['status']): number =>
    orders.filter(({ moved, settlement }) => !moved && settlement?.status === status).length;
  return { done: count('done'), failed: count('failed'), moved: orders.filter(({ moved }) => moved).length };
}
