import type pg from 'pg';
import type { LiveSystem } from './live-system.js';

interface PendingEvent {
  readonly id: string;
  readonly type: string;
  readonly orderId: string;
  readonly ageSeconds: number;
  readonly attempts: number;
  readonly lastError: string | null;
}

const shown = 50;

/** What is not published yet, on both sides, the oldest first, and how many there are in all. */
export async function pendingEvents({ ordersDb, processorDb }: LiveSystem) {
  const sides = await Promise.all([ordersDb, processorDb].map(pendingIn));
  const events = sides.flatMap((side) => side.events).sort((a, b) => b.ageSeconds - a.ageSeconds);
  return { events: events.slice(0, shown), total: sides.reduce((sum, side) => sum + side.total, 0) };
}

async function pendingIn(pool: pg.Pool): Promise<{ events: PendingEvent[]; total: number }> {
  const { rows } = await pool.query<PendingEvent & { total: string }>(
    `select id, type, aggregate_id as "orderId", extract(epoch from now() - created_at)::float8 as "ageSeconds",
       attempts, last_error as "lastError", count(*) over () as total
     from outbox where published_at is null
     order by id
     limit $1`,
    [shown],
  );
  return { events: rows.map(({ total: _total, ...event }) => event), total: Number(rows[0]?.total ?? 0) };
}
