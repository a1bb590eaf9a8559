import type { Queryable } from '../postgres/pool.js';
import { queryByIndex } from '../postgres/query-by-index.js';

/** A consumed event. `eventKey` names the event itself, so it is recognized again under another message id. */
export interface InboxEntry {
  readonly eventKey: string;
  readonly messageId: string;
  readonly aggregateId: string;
}

/**
 * Records in the transaction `tx` that events are consumed, and returns the keys of those that were not recorded
 * before. It must be the first statement of the transaction: a concurrent duplicate then waits here until the first
 * transaction commits or rolls back, so the effects of an event happen once. Keys are inserted in order, so that two
 * batches with the same events cannot deadlock.
 */
export async function recordOnce(tx: Queryable, entries: readonly InboxEntry[]): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ event_key: string }>({
    name: 'record-once',
    text: `insert into inbox (event_key, message_id, aggregate_id)
           select event_key, message_id, aggregate_id
           from unnest($1::text[], $2::text[], $3::text[]) as entry (event_key, message_id, aggregate_id)
           order by event_key
           on conflict (event_key) do nothing
           returning event_key`,
    values: [
      entries.map(({ eventKey }) => eventKey),
      entries.map(({ messageId }) => messageId),
      entries.map(({ aggregateId }) => aggregateId),
    ],
  });
  return new Set(rows.map((row) => row.event_key));
}

/** Returns true if a committed transaction has consumed the event. */
export async function isRecorded(db: Queryable, eventKey: string): Promise<boolean> {
  const { rowCount } = await db.query(`select 1 from inbox where event_key = $1`, [eventKey]);
  return rowCount === 1;
}

/**
 * Removes up to `limit` entries received over `retentionDays` ago, oldest first, and reads no others. Returns how many.
 */
export async function deleteReceived(db: Queryable, retentionDays: number, limit: number): Promise<number> {
  const { rowCount } = await queryByIndex(
    db,
    `delete from inbox
     where event_key in (
       select event_key from inbox
       where received_at < now() - interval '1 day' * ${retentionDays}
       order by received_at
       limit ${limit}
       for update skip locked
     )`,
  );
  return rowCount ?? 0;
}
