import type pg from 'pg';
import type { Registry } from 'prom-client';
import { addReadGauge, cachedQuery } from './registry.js';

/** A backlog is counted up to this limit: enough to raise an alarm, at a cost that does not grow with the backlog. */
export const maxBacklogCounted = 100_001;

/**
 * Counts the unpublished rows, in the order in which they are due, up to the limit. The order and the filter match the
 * index that claims use, including the condition on `attempts` that the table's check constraint already guarantees, so
 * that the cost depends neither on the published rows nor on the statistics.
 */
export const backlogStatement = `
  select count(*) as count, greatest(extract(epoch from now() - min(created_at)), 0) as age
  from (select created_at from outbox
        where published_at is null and attempts >= 0
        order by check_at
        limit ${maxBacklogCounted}) as backlog`;

/** Adds gauges for the number of unpublished events and the age in seconds of the oldest. Their cost is bounded. */
export function addBacklogGauges(registry: Registry, pool: pg.Pool): void {
  const backlog = cachedQuery<{ count: string; age: string | null }>(pool, backlogStatement);
  addReadGauge(
    registry,
    { name: 'outbox_unpublished', help: `Unpublished events in the outbox, counted up to ${maxBacklogCounted}` },
    async () => [[{}, Number((await backlog())?.count ?? 0)]],
  );
  addReadGauge(
    registry,
    {
      name: 'outbox_oldest_unpublished_seconds',
      help: 'Age of the oldest unpublished event among those that are counted; 0 when there is none',
    },
    async () => [[{}, Number((await backlog())?.age ?? 0)]],
  );
}
