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
  /** What was published of it last is to be published again. */
  overdue: boolean;
}

export function trackedOrdersOf(input: OrderLifecycleInput): TrackedOrder[] {
  const untouched = { taken: false, moved: false, overdue: false };
  if ('orderIds' in input) return input.orderIds.map((id) => ({ id, ...untouched }));
  const { orderId, outcome } = input;
  return [{ id: orderId, ...untouched, ...(outcome && { outcome }) }];
}

export function isOpen({ settlement, moved }: TrackedOrder): boolean {
  return settlement === undefined && !moved;
}

export function isDecided(order: TrackedOrder): boolean {
  return isOpen(order) && order.outcome !== undefined && !order.taken;
}

/** What was published of it last is to be published again, since nothing was heard of it. */
export function isOverdue(order: TrackedOrder): boolean {
  return isOpen(order) && order.overdue && (order.taken || order.outcome === undefined);
}

/** Orders, by their ids, for which something is to be published. */
export interface News {
  /** Decided and not settled: the answer is to be published. */
  readonly decided: string[];
  /** Overdue: what tells of the order, or, once that was answered, the answer is to be published again. */
  readonly undecided: string[];
  readonly unsettled: string[];
}

/** Takes what there is to publish; each order is answered with once. */
export function takeNews(orders: readonly TrackedOrder[]): News {
  const decided = orders.filter(isDecided);
  const late = orders.filter(isOverdue);
  const idsOf = (some: readonly TrackedOrder[]): string[] => some.map(({ id }) => id);
  const news = {
    decided: idsOf(decided),
    undecided: idsOf(late.filter(({ taken }) => !taken)),
    unsettled: idsOf(late.filter(({ taken }) => taken)),
  };
  for (const order of [...decided, ...late]) order.overdue = false;
  for (const order of decided) order.taken = true;
  return news;
}

/** Stragglers: at most this share of a group, and one in any case. An outage that holds up many moves none of them. */
const stragglerShare = 0.1;

/** True when what is left of several orders is so few that the others are not to blame. */
export function onlyStragglersAreLeft(orders: readonly TrackedOrder[]): boolean {
  const open = orders.filter(isOpen).length;
  return orders.length > 1 && open <= Math.max(1, Math.floor(orders.length * stragglerShare));
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
