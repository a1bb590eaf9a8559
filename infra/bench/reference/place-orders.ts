import { createPool } from '../../postgres/pool.js';
import { silentLogger } from '../../testing/silent-logger.js';
import { placeOrders } from '../../../order-api/infrastructure/postgres/placements.js';
import { ratePerSecond, serve } from './serve.js';

// Row 1: what Postgres and node-postgres do when nothing else is to be done. The order API's own statement, one order at
// a time, over as many connections as it has.
const pool = createPool(process.env['APP__DB_DSN'] ?? '', 'reference', silentLogger);
const connections = 10;
let orders = 0;

serve((durationMs) =>
  ratePerSecond(connections, durationMs, () => {
    orders += 1;
    const order = {
      orderId: `reference-${orders}`,
      customerId: 'cust-123',
      status: 'pending',
      totalAmount: 1200,
      version: 1,
      items: [{ sku: 'laptop', quantity: 1, price: 1200 }],
      failureReason: null,
    } as const;
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    return placeOrders(pool, [{ order, traceparent }], 30_000);
  }),
);
