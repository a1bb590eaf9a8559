import assert from 'node:assert/strict';
import { eventually } from '../testing/eventually.js';
import { silentLogger } from '../testing/silent-logger.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { createCleaner } from './cleaner.js';

describe('cleaner', () => {
  let database: TestDatabase;
  before(async () => (database = await createTestDatabase('processor')));
  after(() => database.drop());

  it('removes everything that is past its retention, over many batches, and nothing else', async () => {
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
    const cleaner = createCleaner(pool, { outboxDays: 7, inboxDays: 30 }, silentLogger);
    cleaner.start();
    await eventually('what is old has gone', async () => {
      const left = await remaining();
      assert.deepEqual([left['8 days'], left['31 days']], [undefined, undefined]);
    });
    await cleaner.stop();
    assert.deepEqual(await remaining(), { '6 days': 2500, '29 days': 2500, unpublished: 1 });
  });
});
