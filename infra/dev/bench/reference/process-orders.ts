import { v7 as uuidv7 } from 'uuid';
import { inTransaction } from '../../../postgres/pool.js';
import { newOrderId } from '../order-client.js';
import { serveOnPostgres } from './serve.js';

// For `draining`: the three tables of the processor's transaction and the mark of the published outcome, one order at a
// time, as a first version would do it. It neither consumes nor publishes a message, which the subject does in
// addition.
serveOnPostgres(async (pool) => {
  const orderId = newOrderId();
  const messageId = uuidv7();
  await inTransaction(pool, async (tx) => {
    await tx.query({
      name: 'reference-inbox',
      text: `insert into inbox (event_key, message_id, aggregate_id) values ($1, $2, $3) on conflict do nothing`,
      values: [`order.created:${orderId}:1`, uuidv7(), orderId],
    });
    await tx.query({
      name: 'reference-state',
      text: `insert into processing_states (order_id, status, version) values ($1, 'done', 2)`,
      values: [orderId],
    });
    await tx.query({
      name: 'reference-outbox',
      text: `insert into outbox (id, aggregate_id, type, payload, headers, check_at)
             values ($1, $2, 'order.processed', $3, '{}', now())`,
      values: [messageId, orderId, { order_id: orderId, status: 'done', version: 2 }],
    });
  });
  await pool.query({
    name: 'reference-mark',
    text: 'update outbox set published_at = now(), attempts = attempts + 1 where id = $1',
    values: [messageId],
  });
});
