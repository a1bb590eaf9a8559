import type { Queryable } from '../postgres/pool.js';
import { queryByIndex } from '../postgres/query-by-index.js';

/** A message in the outbox. Its `id` stays the same however often it is published. */
export interface OutboxMessage {
  readonly id: string;
  readonly aggregateId: string;
  readonly type: string;
  readonly payload: object;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StoredOutboxMessage extends OutboxMessage {
  readonly createdAt: Date;
}

/**
 * Writes messages into the outbox as part of the transaction `tx`: they are stored if, and only if, it commits.
 * @param graceMs how long the publisher has before the sweeper looks at the messages
 */
export async function addToOutbox(tx: Queryable, messages: readonly OutboxMessage[], graceMs: number): Promise<void> {
  await tx.query({
    name: 'add-to-outbox',
    text: `insert into outbox (id, aggregate_id, type, payload, headers, check_at)
           select id, aggregate_id, type, payload::jsonb, headers::jsonb, now() + $6 * interval '1 millisecond'
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
             as message (id, aggregate_id, type, payload, headers)`,
    values: [
      messages.map(({ id }) => id),
      messages.map(({ aggregateId }) => aggregateId),
      messages.map(({ type }) => type),
      messages.map(({ payload }) => JSON.stringify(payload)),
      messages.map(({ headers }) => JSON.stringify(headers)),
      graceMs,
    ],
  });
}

/**
 * Returns the unpublished messages of these aggregates and this type, oldest first and at most 1,000. An aggregate
 * rarely has more than one.
 * @param republishAfterMs also returns messages that were published at least this long ago
 */
export async function findToPublish(
  db: Queryable,
  aggregateIds: readonly string[],
  type: string,
  republishAfterMs?: number,
): Promise<StoredOutboxMessage[]> {
  const { rows } = await db.query<StoredOutboxMessage>({
    name: 'find-to-publish',
    text: `select id, aggregate_id as "aggregateId", type, payload, headers, created_at as "createdAt"
           from outbox
           where aggregate_id = any($1) and type = $2
             and (published_at is null or published_at <= now() - $3::float8 * interval '1 millisecond')
           order by id
           limit 1000`,
    values: [aggregateIds, type, republishAfterMs ?? null],
  });
  return rows;
}

/**
 * Records that the broker has confirmed these messages. Marking one again sets its time to that of the last publish.
 */
export async function markPublished(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: 'mark-published',
    text: `update outbox
           set published_at = now(), attempts = attempts + 1, last_error = null
           where id = any($1)`,
    values: [ids],
  });
}

/** Records on each row why its message could not be published. The message stays unpublished. */
export async function recordFailedAttempts(
  db: Queryable,
  failures: readonly { readonly id: string; readonly error: string }[],
): Promise<void> {
  await db.query({
    name: 'record-failed-attempts',
    text: `update outbox
           set attempts = attempts + 1, last_error = left(failure.error, 1000)
           from unnest($1::uuid[], $2::text[]) as failure (id, error)
           where outbox.id = failure.id and published_at is null`,
    values: [failures.map(({ id }) => id), failures.map(({ error }) => error)],
  });
}

/**
 * Claims up to `limit` unpublished rows that are due. They become due again after their age, but not before `recheckMs`
 * and no later than an hour. The claim is a lease: no lock is held while the caller works, two sweepers never hold the
 * same row, and the lease of a sweeper that dies expires. Rows are chosen by their state, never by "id above the last
 * one seen", because transactions do not commit in the order of ids.
 */
export async function claimUnpublished(
  db: Queryable,
  limit: number,
  recheckMs: number,
): Promise<{ id: string; aggregateId: string }[]> {
  const { rows } = await queryByIndex<{ id: string; aggregateId: string }>(
    db,
    `update outbox
     set check_at = now() + least(greatest(now() - created_at, interval '1 millisecond' * ${recheckMs}), interval '1 hour')
     where id in (
       select id from outbox
       where published_at is null and attempts >= 0 and check_at <= now()
       order by check_at
       limit ${limit}
       for update skip locked
     )
     returning id, aggregate_id as "aggregateId"`,
  );
  return rows;
}

/**
 * Removes up to `limit` messages that were published over `retentionDays` ago, oldest first, and returns how many. It
 * never removes unpublished messages and does not read them either: a batch in physical order had to read every row
 * before the ones it wanted (measured with 50,000 unpublished rows: 68,000 rows read to delete 1,000).
 */
export async function deletePublished(db: Queryable, retentionDays: number, limit: number): Promise<number> {
  const { rowCount } = await queryByIndex(
    db,
    `delete from outbox
     where id in (
       select id from outbox
       where published_at < now() - interval '1 day' * ${retentionDays}
       order by published_at
       limit ${limit}
       for update skip locked
     )`,
  );
  return rowCount ?? 0;
}
