import type { SettledOrder } from '../../application/ports.js';

/** Those in this process who wait for orders to be settled: the first tasks of workflows. */
export interface SettlementWaiters {
  /** Resolves with those of these orders that are settled when all of them are, or when `maxWaitMs` have passed. */
  wait(orderIds: readonly string[], maxWaitMs: number): Promise<SettledOrder[]>;
  /** Hands a settled order to whoever waits for it; false when nobody does. */
  handOver(order: SettledOrder): boolean;
}

export interface SettlementWaitersOptions {
  readonly findSettled: (orderIds: readonly string[]) => Promise<SettledOrder[]>;
  /** When to look into the database after the wait has begun, for what another instance has settled or settled before. */
  readonly lookAfterMs?: readonly number[];
}

/** An order alone is settled in 50 ms; one that is not after 200 ms may have been settled by another instance. */
const usualLookAfterMs = [200, 1000, 2500];
/** Beyond that nobody waits: the orders go on by signals and checks. It bounds memory and the statements. */
const maxWaiting = 10_000;

/**
 * The outcome of an order is usually consumed by the process that runs its workflow's first task, within milliseconds. It
 * is handed over in memory then, and the whole life of the order fits into that task.
 */
export function createSettlementWaiters({ findSettled, lookAfterMs = usualLookAfterMs }: SettlementWaitersOptions) {
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
          const look = (): void => {
            findSettled(orderIds.filter((id) => !found.has(id))).then((settled) => settled.forEach(take), reject);
          };
          for (const id of orderIds) waiting.set(id, (waiting.get(id) ?? new Set()).add(take));
          for (const ms of lookAfterMs) if (ms < maxWaitMs) timers.push(setTimeout(look, ms));
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
