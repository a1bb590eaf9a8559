import assert from 'node:assert/strict';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import type { OrderSnapshot } from './order-snapshot.js';
import { allSnapshots } from './order-snapshots.js';

describe('snapshots of all orders', () => {
  let ordersDb: TestDatabase;
  let processorDb: TestDatabase;
  before(async () => {
    [ordersDb, processorDb] = await Promise.all([createTestDatabase('order-api'), createTestDatabase('processor')]);
  });
  after(() => Promise.all([ordersDb.drop(), processorDb.drop()]));

  // Each id differs from another by case, spaces, accents or width alone. Some sort differently in UTF-16 and in UTF-8.
  const ids = ['a', 'A', 'a ', ' a', 'ab', 'a-b', 'a.b', 'a:b', 'a_b', 'Z', 'z', '_', 'ä', 'a\u0308', 'ａ', 'ß', 'ss'];
  ids.push('\u{ff5e}', '\u{1f600}', '\u{10000}', '\u{ffff}', '\x1b', '\x7f', '\u202e', '%', "'", '10', '9');

  it('join the rows of both services for each order, however similar the ids are', async () => {
    const [onlyPlaced, onlyDecided] = [ids.map((id) => `${id}o`), ids.map((id) => `${id}p`)];
    await ordersDb.pool.query(
      `insert into orders (order_id, customer_id, status, total_amount, version, items, check_at)
       select id, id, 'pending', 1, 1, '[]', now() from unnest($1::text[]) as id`,
      [[...ids, ...onlyPlaced]],
    );
    await processorDb.pool.query(
      `insert into processing_states (order_id, status, version, reason)
       select id, 'failed', 2, id from unnest($1::text[]) as id`,
      [[...onlyDecided, ...ids].reverse()],
    );
    const found: OrderSnapshot[] = [];
    const databases = { ordersDb: ordersDb.pool, processorDb: processorDb.pool, outboxRetentionDays: 7 };
    for await (const snapshot of allSnapshots(databases)) found.push(snapshot);
    const all = [...ids, ...onlyPlaced, ...onlyDecided];
    assert.deepEqual(found.map(({ orderId }) => orderId).sort(), all.sort());
    for (const { orderId, order, outcome } of found) {
      const placed = onlyDecided.includes(orderId) ? undefined : orderId;
      const decided = onlyPlaced.includes(orderId) ? undefined : orderId;
      assert.deepEqual([order?.customer_id, outcome?.reason], [placed, decided]);
    }
  });
});
