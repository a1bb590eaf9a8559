import type { Queryable } from '../postgres/pool.js';

/** A message that waits in the outbox. `id` stays the same however often it is published. */
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
 * Writes `message` into the outbox as part of the transaction `tx`: it is stored if, and only if, that commits.
 * @param graceMs how long its workflow has to publish it before the reconciler takes a look
 */
export async function addToOutbox(tx: Queryable, message: OutboxMessage, graceMs: number): Promise<void> {
  await tx.query(
    `insert into outbox (id, aggregate_id, type, payload, headers, check_at)
     values ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond')`,
    [message.id, message.aggregateId, message.type, message.payload, message.headers, graceMs],
  );
}

/** The unpublished messages of one aggregate and type, oldest first; there is rarely more than one. */
export async function findUnpublished(
  db: Queryable,
  aggregateId: string,
  type: string,
): Promise<StoredOutboxMessage[]> {
  const { rows } = await db.query<StoredOutboxMessage>(
    `select id, aggregate_id as "aggregateId", type, payload, headers, created_at as "createdAt"
     from outbox
     where aggregate_id = $1 and type = $2 and published_at is null
     order by id
     limit 100`,
    [aggregateId, type],
  );
  return rows;
}

/** Notes that the broker has confirmed the message. Marking twice is fine. */
export async function markPublished(db: Queryable, id: string): Promise<void> {
  await db.query(
    `update outbox
     set published_at = now(), attempts = attempts + 1, last_error = null
     where id = $1 and published_at is null`,
    [id],
  );
}

/** Notes on the row why the message could not be published this time; it stays unpublished. */
export async function recordFailedAttempt(db: Queryable, id: string, error: string): Promise<void> {
  await db.query(
    `update outbox
     set attempts = attempts + 1, last_error = left($2, 1000)
     where id = $1 and published_at is null`,
    [id, error],
  );
}

/**
 * Takes up to `limit` unpublished rows that are due, and makes them due again `recheckMs` later. That is a lease: no
 * lock is held while the caller works, two reconcilers never hold the same row, and one that dies lets go by itself.
 * Rows are chosen by their state, never by "id above the last one seen": commits do not come in the order of ids.
 */
export async function claimOverdue(
  db: Queryable,
  limit: number,
  recheckMs: number,
): Promise<{ aggregateId: string }[]> {
  const { rows } = await db.query<{ aggregateId: string }>(
    `update outbox
     set check_at = now() + $2 * interval '1 millisecond'
     where id in (
       select id from outbox
       where published_at is null and check_at <= now()
       order by check_at
       limit $1
       for update skip locked
     )
     returning aggregate_id as "aggregateId"`,
    [limit, recheckMs],
  );
  return rows;
}

/** Removes up to `limit` messages that were published over `retentionDays` ago; unpublished ones never leave. */
export async function deletePublished(db: Queryable, retentionDays: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from outbox
     where id in (
       select id from outbox
       where published_at < now() - $1 * interval '1 day'
       limit $2
       for update skip locked
     )`,
    [retentionDays, limit],
  );
  return rowCount ?? 0;
}
