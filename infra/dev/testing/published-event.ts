import assert from 'node:assert/strict';
import type pg from 'pg';
import { toEnvelope } from '../../messaging/envelope.js';
import type { StoredOutboxMessage } from '../../messaging/outbox.js';

/** Returns the event of this order in the outbox as it appears on the wire: its message id and its body. */
export async function publishedEvent(outboxDb: pg.Pool, orderId: string): Promise<{ id: string; body: string }> {
  const { rows } = await outboxDb.query<StoredOutboxMessage>(
    `select id, aggregate_id as "aggregateId", type, payload, headers, created_at as "createdAt"
     from outbox where aggregate_id = $1`,
    [orderId],
  );
  const [message] = rows;
  assert.ok(message, `order ${orderId} has an event`);
  return { id: message.id, body: JSON.stringify(toEnvelope(message, 'test', '1')) };
}
