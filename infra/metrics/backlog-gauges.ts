import type pg from 'pg';
import type { Registry } from 'prom-client';
import { addReadGauge, cachedQuery } from './registry.js';

/** A backlog is counted this far: that is enough to be alarmed, and costs the same however large it becomes. */
export const maxBacklogCounted = 100_001;

/**
 * The rows that wait, those that are due first, up to the limit. Ordered and filtered as the index of the claims is, with
 * what the table's own check says of `attempts`, so that neither the rows that are published nor the statistics matter.
 */
export const backlogStatement = `
  select count(*) as count, greatest(extract(epoch from now() - min(created_at)), 0) as age
  from (select created_at from outbox
        where published_at is null and attempts >= 0
        order by check_at
        limit ${maxBacklogCounted}) as backlog`;

/** How many events wait in the outbox and for how long; cheap, however many there are. */
export function addBacklogGauges(registry: Registry, pool: pg.Pool): void {
  const backlog = cachedQuery<{ count: string; age: string | null }>(pool, backlogStatement);
  addReadGauge(
    registry,
    { name: 'outbox_unpublished', help: `Events in the outbox that are not published yet, up to ${maxBacklogCounted}` },
    async () => [[{}, Number((await backlog())?.count ?? 0)]],
  );
  addReadGauge(
    registry,
    {
      name: 'outbox_oldest_unpublished_seconds',
      help: 'Age of the oldest event that is not published yet, of those that are counted; 0 when there is none',
    },
    async () => [[{}, Number((await backlog())?.age ?? 0)]],
  );
}
