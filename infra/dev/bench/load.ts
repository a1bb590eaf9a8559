import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../testing/test-database.js';
import { watchSettlements } from './settlements.js';

/** One order as its client saw it, in milliseconds of performance.now. */
export interface PlacedOrder {
  readonly startedAt: number;
  readonly settledAt: number;
}

/** A system that takes orders: this system in one of its modes, or a peer. */
export interface OrderSystem {
  readonly ordersDb: TestDatabase;
  /** Places a new order and returns its id. @throws Error unless it is accepted */
  place(): Promise<string>;
}

export interface Load {
  readonly orders: readonly PlacedOrder[];
  /** Orders settled per second, over the time in which all clients were at work. */
  readonly settledPerSecond: number;
}

/** How often the load polls for settled orders. Rates need it less often than latencies, and polling costs CPU. */
const rateMs = 25;
const latencyMs = 5;
/** Clients that start at the same time cause a burst; the rate is measured after it. */
const warmUpMs = 2000;

/**
 * Runs clients that each place an order, wait until it settles and place the next, for `durationMs` after a warm-up.
 */
export async function closedLoop(system: OrderSystem, clients: number, durationMs: number): Promise<Load> {
  const settlements = watchSettlements(system.ordersDb.pool, rateMs);
  const orders: PlacedOrder[] = [];
  const begin = performance.now() + warmUpMs;
  const end = begin + durationMs;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const startedAt = performance.now();
      const settledAt = await settlements.of(await system.place());
      orders.push({ startedAt, settledAt });
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, client));
  } finally {
    await settlements.stop();
  }
  const counted = orders.filter(({ settledAt }) => settledAt >= begin && settledAt < end).length;
  return { orders, settledPerSecond: (counted * 1000) / durationMs };
}

/**
 * Places orders at a steady rate, whether or not the previous ones have settled. Latency counts from the time at which
 * an order was due to be placed, so that a system that holds up its clients is not rewarded for it.
 */
export async function openLoop(system: OrderSystem, perSecond: number, durationMs: number): Promise<Load> {
  const settlements = watchSettlements(system.ordersDb.pool, latencyMs);
  const orders: PlacedOrder[] = [];
  const begin = performance.now();
  const placing: Promise<void>[] = [];
  const place = async (startedAt: number): Promise<void> => {
    const settledAt = await settlements.of(await system.place());
    orders.push({ startedAt, settledAt });
  };
  try {
    const total = Math.floor((perSecond * durationMs) / 1000);
    while (placing.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - begin) * perSecond) / 1000) + 1);
      for (let next = placing.length; next < due; next += 1) placing.push(place(begin + (next * 1000) / perSecond));
      await sleep(1);
    }
    await Promise.all(placing);
  } finally {
    await settlements.stop();
  }
  return { orders, settledPerSecond: (orders.length * 1000) / durationMs };
}

export function latenciesOf({ orders }: Load): number[] {
  return orders.map(({ startedAt, settledAt }) => settledAt - startedAt);
}

/** Places `count` orders through this many clients, as fast as they are accepted. */
export async function placeMany(system: OrderSystem, clients: number, count: number): Promise<void> {
  let left = count;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await system.place();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** Places `count` orders through this many clients, at most `perSecond` in total. It does not wait for settlements. */
export async function placeAtRate(
  system: OrderSystem,
  clients: number,
  perSecond: number,
  count: number,
): Promise<void> {
  const begin = performance.now();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const due = begin + (next * 1000) / perSecond;
      next += 1;
      await sleep(Math.max(0, due - performance.now()));
      await system.place();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}
