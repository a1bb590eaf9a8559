import { v7 as uuidv7 } from 'uuid';
import { inTransaction } from '../../postgres/pool.js';
import { newOrderId } from '../order-client.js';
import { serveOnPostgres } from './serve.js';

// Row 7: the three tables of the processor's transaction, one order at a time, as anybody would write it first.
serveOnPostgres((pool) => {
  const orderId = newOrderId();
  return inTransaction(pool, async (tx) => {
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
      values: [uuidv7(), orderId, { order_id: orderId, status: 'done', version: 2 }],
    });
  });
});
