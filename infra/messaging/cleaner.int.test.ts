import assert from 'node:assert/strict';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { createCleaner } from './cleaner.js';

describe('the cleaner', () => {
  let database: TestDatabase;
  before(async () => (database = await createTestDatabase('processor')));
  after(() => database.drop());

  it('removes all rows past their retention in many batches, and no others', async () => {
    const { pool } = database;
    await pool.query(`
      insert into outbox (id, aggregate_id, type, payload, headers, check_at, published_at)
      select gen_random_uuid(), age, 't', '{}', '{}', now(), now() - age::interval
      from (values ('8 days'), ('6 days')) as ages (age), generate_series(1, 2500)`);
    await pool.query(`
      insert into outbox (id, aggregate_id, type, payload, headers, check_at, created_at)
      values (gen_random_uuid(), 'unpublished', 't', '{}', '{}', now(), now() - interval '1 year')`);
    await pool.query(`
      insert into inbox (event_key, message_id, aggregate_id, received_at)
      select age || n, 'm', age, now() - age::interval
      from (values ('31 days'), ('29 days')) as ages (age), generate_series(1, 2500) as n`);
    const remaining = async () => {
      const { rows } = await pool.query<{ kind: string; count: string }>(`
        select aggregate_id as kind, count(*) from outbox group by 1
        union all select aggregate_id, count(*) from inbox group by 1`);
      return Object.fromEntries(rows.map(({ kind, count }) => [kind, Number(count)]));
    };
    const cleaner = createCleaner(pool, { outboxDays: 7, inboxDays: 30 }, testLogger);
    cleaner.start();
    await eventually('all old rows are gone', async () => {
      const left = await remaining();
      assert.deepEqual([left['8 days'], left['31 days']], [undefined, undefined]);
    });
    await cleaner.stop();
    assert.deepEqual(await remaining(), { '6 days': 2500, '29 days': 2500, unpublished: 1 });
  });

  async function insertOld(rows: number): Promise<void> {
    const rowsPerInsert = 20_000;
    for (let from = 0; from < rows; from += rowsPerInsert) {
      await database.pool.query(
        `insert into inbox (event_key, message_id, aggregate_id, received_at)
         select 'old' || n, 'm', 'old', now() - interval '31 days' from generate_series($1::int, $2::int) as n`,
        [from + 1, Math.min(from + rowsPerInsert, rows)],
      );
    }
  }

  async function countOld(): Promise<number> {
    const { rows } = await database.pool.query<{ count: string }>(
      `select count(*) from inbox where aggregate_id = 'old'`,
    );
    return Number(rows[0]?.count);
  }

  it('removes every old row, however many there are, before it waits for its next pass', async () => {
    await insertOld(201_000);
    const cleaner = createCleaner(database.pool, { outboxDays: 7, inboxDays: 30 }, testLogger);
    cleaner.start();
    await eventually('all old rows are gone', async () => assert.equal(await countOld(), 0), 50_000);
    await cleaner.stop();
  });

  it('stops between two batches on request and continues after the next start', async () => {
    await insertOld(40_000);
    const first = createCleaner(database.pool, { outboxDays: 7, inboxDays: 30 }, testLogger);
    first.start();
    await eventually('it has removed some rows', async () => assert.ok((await countOld()) < 40_000));
    await first.stop();
    const left = await countOld();
    assert.ok(left > 0 && left % 1000 === 0, String(left));
    const second = createCleaner(database.pool, { outboxDays: 7, inboxDays: 30 }, testLogger);
    second.start();
    await eventually('the remaining rows are gone', async () => assert.equal(await countOld(), 0));
    await second.stop();
  });
});
