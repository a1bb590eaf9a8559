import assert from 'node:assert/strict';
import type pg from 'pg';
import { createOutboxSweeper } from '../../../infra/messaging/outbox-sweeper.js';
import { insertPendingOrders } from '../../../infra/dev/testing/backlog-rows.js';
import { eventually } from '../../../infra/dev/testing/eventually.js';
import { testLogger } from '../../../infra/dev/testing/test-logger.js';
import { createPlanRecorder, type PlanRecorder } from '../../../infra/dev/testing/statement-plans.js';
import { createTestDatabase, runPatiently, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import { createReconcileOrders } from '../../application/reconcile-orders.js';
import { createOrderStore, markPublishedIfSettled } from './order-store.js';

const backlog = 100_000;
const rowsPerInsert = 50_000;
/** One pass claims at most 100 batches of 200; the next pass continues from there. */
const maxPerPass = 20_000;

/** A pass reads the rows it claims, finds them by key, and reads them again to defer them: a few reads per row. */
const maxRowsRead = maxPerPass * 6;

/**
 * Each statement has a limit of 2 s, as in production. A statement that read the whole backlog would exceed that limit
 * once the backlog was large enough, and neither loop would make progress any more.
 */
describe(`with ${backlog} pending orders and unpublished events, all of them due,`, function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let recorder: PlanRecorder;
  let pool: pg.Pool;
  before(async () => {
    database = await createTestDatabase('order-api');
    recorder = createPlanRecorder(database.dsn, 'custom');
    pool = recorder.pool;
    const inserts = Array<string>(backlog / rowsPerInsert).fill(insertPendingOrders(rowsPerInsert));
    // The statistics describe empty tables: all rows arrive after the analyze.
    const disableAutovacuum = ['orders', 'outbox'].map(
      (table) => `alter table ${table} set (autovacuum_enabled = false)`,
    );
    await runPatiently(database.dsn, ...disableAutovacuum, 'analyze', ...inserts);
  });
  after(async () => {
    await recorder.close();
    await database.drop();
  });

  async function rowsReadBy(pass: () => Promise<void>): Promise<number> {
    return (await recorder.record(pass)).reduce((sum, { rowsRead }) => sum + rowsRead, 0);
  }

  it('a pass of the reconciler checks as many orders as its limit allows, once each', async () => {
    const ensured: string[] = [];
    const reconcileOrders = createReconcileOrders({
      store: createOrderStore(pool, 60_000),
      workflows: {
        ensureWorkflows: (orders) => {
          const orderIds = orders.map(({ orderId }) => orderId);
          ensured.push(...orderIds);
          return Promise.resolve(orderIds);
        },
      },
    });
    const rowsRead = await rowsReadBy(async () => {
      assert.equal(await reconcileOrders(new AbortController().signal), maxPerPass);
    });
    assert.ok(rowsRead <= maxRowsRead, `${rowsRead} rows were read`);
    assert.equal(new Set(ensured).size, maxPerPass);
    const { rows } = await pool.query(
      `select count(*)::int as due from orders where version = 1 and check_at <= now()`,
    );
    assert.deepEqual(rows, [{ due: backlog - maxPerPass }]);
  });

  it('a pass of the sweeper handles as many events as its limit allows, once each', async () => {
    const swept: string[] = [];
    const sweeper = createOutboxSweeper({
      ...{ pool, intervalMs: 60_000, isReady: () => true, logger: testLogger },
      sweep: async (rows) => {
        const ids = rows.map(({ id }) => id);
        await markPublishedIfSettled(pool, ids);
        swept.push(...ids); // after the statement, so that a batch whose statement fails is missing
      },
    });
    const rowsRead = await rowsReadBy(async () => {
      sweeper.start();
      try {
        await eventually('the pass ends', () => assert.equal(swept.length, maxPerPass), 60_000);
      } finally {
        await sweeper.stop();
      }
    });
    assert.ok(rowsRead <= maxRowsRead, `${rowsRead} rows were read`);
    assert.equal(new Set(swept).size, maxPerPass);
  });
});
