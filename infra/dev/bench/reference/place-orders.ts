import { placeOrders } from '../../../../order-api/infrastructure/postgres/placements.js';
import { newOrderId } from '../order-client.js';
import { serveOnPostgres } from './serve.js';

// For `accepting`: what Postgres and node-postgres achieve when there is nothing else to do. It runs the order API's
// own statement, one order at a time.
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

serveOnPostgres((pool) => {
  const order = {
    orderId: newOrderId(),
    customerId: 'cust-123',
    status: 'pending',
    totalAmount: 1200,
    version: 1,
    items: [{ sku: 'laptop', quantity: 1, price: 1200 }],
    failureReason: null,
  } as const;
  return placeOrders(pool, [{ order, traceparent }], 30_000);
});
