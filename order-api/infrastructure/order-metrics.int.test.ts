import assert from 'node:assert/strict';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { byIndex } from '../../infra/postgres/query-by-index.js';
import { createTestDatabase, type TestDatabase } from '../../infra/dev/testing/test-database.js';
import { addOrderMetrics, pendingStatement } from './order-metrics.js';

describe('the gauge of pending orders', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase('order-api');
    await database.pool.query('alter table orders set (autovacuum_enabled = false)');
    await database.pool.query(
      `insert into orders (order_id, customer_id, status, total_amount, version, items, check_at)
       select 'ord-' || n, 'c', case when n <= 20000 then 'done' else 'pending' end, 1,
         case when n <= 20000 then 2 else 1 end, '[]', now()
       from generate_series(1, 25000) as n`,
    );
  });
  after(() => database.drop());

  for (const statistics of ['', 'analyze orders']) {
    it(`uses the index and reads no settled orders ${statistics ? 'after' : 'before'} ANALYZE`, async () => {
      await database.pool.query(statistics);
      const results = (await database.pool.query(`${byIndex} explain ${pendingStatement}`)) as unknown;
      const plan = JSON.stringify((results as pg.QueryResult[]).at(-1)?.rows);
      assert.match(plan, /Limit.*Index (Only )?Scan using orders_/);
      assert.doesNotMatch(plan, /Sort|Seq Scan|Bitmap|pkey/);
      const registry = new Registry();
      addOrderMetrics(registry, database.pool);
      assert.match(await registry.metrics(), /^orders_pending 5000$/m);
    });
  }
});
