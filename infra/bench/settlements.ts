import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Tells when orders are settled, by asking their database. */
export interface Settlements {
  /** Resolves with the time (performance.now) at which the order was seen settled; rejects after the limit. */
  of(orderId: string): Promise<number>;
  stop(): Promise<void>;
}

const settleLimitMs = 120_000;
/** One question for at most this many orders, oldest first, so that asking costs the database next to nothing. */
const mostAsked = 500;

/** @param pollMs how often to ask, which is how exact the times are */
export function watchSettlements(pool: pg.Pool, pollMs: number): Settlements {
  const waiting = new Map<string, { since: number; settled: (at: number) => void; failed: (error: unknown) => void }>();
  const stopping = new AbortController();

  async function poll(): Promise<void> {
    const asked = [...waiting.keys()].slice(0, mostAsked);
    if (asked.length === 0) return;
    const { rows } = await pool.query<{ order_id: string }>({
      name: 'settled-among',
      text: `select order_id from orders where order_id = any($1) and status <> 'pending'`,
      values: [asked],
    });
    const now = performance.now();
    for (const { order_id: orderId } of rows) {
      waiting.get(orderId)?.settled(now);
      waiting.delete(orderId);
    }
    for (const [orderId, { since, failed }] of waiting) {
      if (now - since < settleLimitMs) break;
      failed(new Error(`${orderId} was not settled within ${settleLimitMs} ms`));
      waiting.delete(orderId);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await poll();
      await sleep(pollMs);
    }
  }
  const running = run();
  running.catch((error: unknown) => {
    for (const { failed } of waiting.values()) failed(error);
    waiting.clear();
  });

  return {
    of: (orderId) =>
      new Promise((settled, failed) => void waiting.set(orderId, { since: performance.now(), settled, failed })),
    stop: async () => {
      stopping.abort();
      await running.catch(() => undefined);
    },
  };
}
