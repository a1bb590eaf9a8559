import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Tells clients when their orders have settled. It polls the order database for all of them on one connection. */
export interface Settlements {
  /** Resolves with the time (performance.now) at which the order was first seen settled; rejects after 2 minutes. */
  of(orderId: string): Promise<number>;
  stop(): Promise<void>;
}

const settleLimitMs = 120_000;
/**
 * Entries become visible in the order of their commits, not of their ids, so each poll reaches back by this many ids.
 * Entries that become visible even later are found by their order's id.
 */
const overlap = 300;
/** Orders that clients have awaited for longer are looked up by id, oldest first, at most this many and this often. */
const lookUpAfterMs = 400;
const lookUpEveryMs = 100;
const maxLookedUp = 500;

interface Waiting {
  readonly since: number;
  readonly settled: (at: number) => void;
  readonly failed: (error: Error) => void;
}

/**
 * Watches the history of all orders.
 * @param pollMs interval between polls, which is also the resolution of the times
 */
export function watchSettlements(pool: pg.Pool, pollMs: number): Settlements {
  const waiting = new Map<string, Waiting>();
  const stopping = new AbortController();
  let lastId = 0;
  let lastLookUp = 0;

  function resolveAll(orderIds: readonly string[]): void {
    const now = performance.now();
    for (const orderId of orderIds) {
      waiting.get(orderId)?.settled(now);
      waiting.delete(orderId);
    }
  }

  async function pollHistory(): Promise<void> {
    const settled = await findSettledSince(pool, lastId - overlap);
    lastId = settled.lastId ?? lastId;
    resolveAll(settled.orderIds);
  }

  async function lookUpOldest(): Promise<void> {
    const now = performance.now();
    if (now - lastLookUp < lookUpEveryMs) return;
    lastLookUp = now;
    const old: string[] = [];
    // The map keeps the order of arrival, so the loop can end at the first order that has not waited long enough.
    for (const [orderId, { since, failed }] of waiting) {
      if (now - since < lookUpAfterMs || old.length >= maxLookedUp) break;
      if (now - since < settleLimitMs) old.push(orderId);
      else {
        waiting.delete(orderId);
        failed(new Error(`${orderId} was not settled within ${settleLimitMs / 1000} s`));
      }
    }
    if (old.length > 0) resolveAll(await findSettledAmong(pool, old));
  }

  async function run(): Promise<void> {
    lastId = (await findSettledSince(pool, Number.MAX_SAFE_INTEGER)).lastId ?? 0;
    while (!stopping.signal.aborted) {
      if (waiting.size > 0) {
        await pollHistory();
        await lookUpOldest();
      }
      await sleep(pollMs);
    }
  }
  const running = run();
  running.catch((error: unknown) => {
    for (const { failed } of waiting.values()) failed(error as Error);
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

async function findSettledSince(pool: pg.Pool, id: number): Promise<{ orderIds: string[]; lastId: number | null }> {
  const { rows } = await pool.query<{ order_ids: string[] | null; last_id: string | null }>({
    name: 'settled-since',
    text: `select /* bench */
             (select max(id) from order_events) as last_id,
             (select array_agg(order_id) from order_events where id > $1 and type = 'order.processed') as order_ids`,
    values: [id],
  });
  const [row] = rows;
  return { orderIds: row?.order_ids ?? [], lastId: row?.last_id ? Number(row.last_id) : null };
}

async function findSettledAmong(pool: pg.Pool, orderIds: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ order_id: string }>({
    name: 'settled-among',
    text: `select /* bench */ order_id from orders where order_id = any($1) and status <> 'pending'`,
    values: [orderIds],
  });
  return rows.map((row) => row.order_id);
}
