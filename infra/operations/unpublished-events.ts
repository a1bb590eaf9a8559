import type pg from 'pg';
import type { LiveSystem } from './live-system.js';

interface UnpublishedEvent {
  readonly id: string;
  readonly type: string;
  readonly orderId: string;
  readonly ageSeconds: number;
  readonly attempts: number;
  readonly lastError: string | null;
}

const maxShown = 50;

/** Returns the oldest unpublished events of both services, 50 at most, and the total number of unpublished events. */
export async function unpublishedEvents({ ordersDb, processorDb }: LiveSystem) {
  const sides = await Promise.all([ordersDb, processorDb].map(unpublishedIn));
  const events = sides.flatMap((side) => side.events).sort((a, b) => b.ageSeconds - a.ageSeconds);
  return { events: events.slice(0, maxShown), total: sides.reduce((sum, side) => sum + side.total, 0) };
}

async function unpublishedIn(pool: pg.Pool): Promise<{ events: UnpublishedEvent[]; total: number }> {
  const { rows } = await pool.query<UnpublishedEvent & { total: string }>(
    `select id, type, aggregate_id as "orderId", extract(epoch from now() - created_at)::float8 as "ageSeconds",
       attempts, last_error as "lastError", count(*) over () as total
     from operations.outbox where published_at is null
     order by id
     limit $1`,
    [maxShown],
  );
  return { events: rows.map(({ total: _total, ...event }) => event), total: Number(rows[0]?.total ?? 0) };
}
