import type { SettledOrder } from '../../application/ports.js';

/** Lets the first tasks of workflows in this process wait for their orders to be settled. */
export interface SettlementWaiters {
  /**
   * Resolves when all of these orders are settled or `maxWaitMs` have passed, with the orders that are settled by then.
   * Rejects with the database's error when a query fails.
   */
  wait(orderIds: readonly string[], maxWaitMs: number): Promise<SettledOrder[]>;
  /** Hands a settled order to the tasks that wait for it; returns false when none does. */
  handOver(order: SettledOrder): boolean;
}

export interface SettlementWaitersOptions {
  readonly findSettled: (orderIds: readonly string[]) => Promise<SettledOrder[]>;
  /** When, after the start of a wait, to query the database for orders that were settled earlier or elsewhere. */
  readonly lookupDelaysMs?: readonly number[];
}

/** An idle system settles an order in 50 ms; after 200 ms, another instance may have settled it. */
const defaultLookupDelaysMs = [200, 1000, 2500];
/** Beyond this, no order is waited for; it continues by signals and checks. Bounds memory and the number of queries. */
const maxWaiting = 10_000;

/**
 * The process that runs the first task of an order's workflow usually also consumes the order's outcome, within
 * milliseconds. It then hands the outcome over in memory, and the whole lifecycle of the order fits into that task.
 */
export function createSettlementWaiters({
  findSettled,
  lookupDelaysMs = defaultLookupDelaysMs,
}: SettlementWaitersOptions) {
  const waiting = new Map<string, Set<(order: SettledOrder) => void>>();

  const waiters: SettlementWaiters = {
    wait: async (orderIds, maxWaitMs) => {
      if (maxWaitMs <= 0 || waiting.size >= maxWaiting) return findSettled(orderIds);
      const found = new Map<string, SettledOrder>();
      const timers: NodeJS.Timeout[] = [];
      let take: (order: SettledOrder) => void = () => undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          take = (order) => {
            found.set(order.orderId, order);
            if (found.size === orderIds.length) resolve();
          };
          const query = (): void => {
            findSettled(orderIds.filter((id) => !found.has(id))).then((settled) => settled.forEach(take), reject);
          };
          for (const id of orderIds) waiting.set(id, (waiting.get(id) ?? new Set()).add(take));
          for (const ms of lookupDelaysMs) if (ms < maxWaitMs) timers.push(setTimeout(query, ms));
          timers.push(setTimeout(resolve, maxWaitMs));
        });
      } finally {
        timers.forEach(clearTimeout);
        for (const id of orderIds) {
          waiting.get(id)?.delete(take);
          if (waiting.get(id)?.size === 0) waiting.delete(id);
        }
      }
      return [...found.values()];
    },
    handOver: (order) => {
      const takers = waiting.get(order.orderId);
      takers?.forEach((take) => take(order));
      return takers !== undefined;
    },
  };
  return waiters;
}
