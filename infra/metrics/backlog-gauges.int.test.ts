import assert from 'node:assert/strict';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { byIndex } from '../postgres/query-by-index.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { addBacklogGauges, backlogStatement, maxBacklogCounted } from './backlog-gauges.js';

const rows = 110_000;
const rowsPerInsert = 10_000;

describe('the backlog gauges', function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let client: pg.PoolClient;

  before(async () => {
    database = await createTestDatabase('processor');
    client = await database.pool.connect();
    await client.query('set statement_timeout = 0');
    await client.query('alter table outbox set (autovacuum_enabled = false)');
  });
  after(async () => {
    client.release();
    await database.drop();
  });
  beforeEach(() => client.query('truncate outbox'));

  async function insert(count: number, publishedAt: 'now()' | 'null', age: string): Promise<void> {
    for (let inserted = 0; inserted < count; inserted += rowsPerInsert) {
      await client.query(
        `insert into outbox (id, aggregate_id, type, payload, headers, check_at, created_at, published_at)
         select gen_random_uuid(), 'a' || n, 't', '{}', '{}', now() + n * interval '1 ms', now() - $2::interval, ${publishedAt}
         from generate_series(1, $1) as n`,
        [Math.min(rowsPerInsert, count - inserted), age],
      );
    }
  }

  async function planOf(statement: string): Promise<string> {
    const results = (await client.query(`${byIndex} explain ${statement}`)) as unknown as pg.QueryResult<{
      'QUERY PLAN': string;
    }>[];
    return (results.at(-1)?.rows ?? []).map((row) => row['QUERY PLAN']).join('\n');
  }

  const statistics: Readonly<Record<string, () => Promise<void>>> = {
    'while the statistics of the table are missing': async () => insert(rows, 'null', '1 hour'),
    'that is the whole table': async () => {
      await insert(rows, 'null', '1 hour');
      await client.query('analyze outbox');
    },
    'that has grown since the last analyze': async () => {
      await insert(rows, 'now()', '1 day');
      await client.query('analyze outbox');
      await insert(rows, 'null', '1 hour');
    },
    'behind many published messages': async () => {
      await insert(2 * rows, 'now()', '1 day');
      await insert(rows, 'null', '1 hour');
      await client.query('analyze outbox');
    },
  };
  for (const [what, prepare] of Object.entries(statistics)) {
    it(`read a bounded part of an index for a backlog ${what}`, async () => {
      await prepare();
      const plan = await planOf(backlogStatement);
      assert.match(plan, /Limit.*\n.*Index (Only )?Scan using outbox_/);
      assert.doesNotMatch(plan, /Sort|Seq Scan|Bitmap/);
      const registry = new Registry();
      addBacklogGauges(registry, database.pool);
      const text = await registry.metrics();
      assert.match(text, new RegExp(`^outbox_unpublished ${maxBacklogCounted}$`, 'm'));
      assert.match(text, /^outbox_oldest_unpublished_seconds 36\d\d/m);
    });
  }

  it('are exact for a small backlog and 0 for an empty one', async () => {
    const read = async () => {
      const registry = new Registry();
      addBacklogGauges(registry, database.pool);
      return (await registry.metrics()).split('\n').filter((line) => /^outbox_\w+ /.test(line));
    };
    assert.deepEqual(await read(), ['outbox_unpublished 0', 'outbox_oldest_unpublished_seconds 0']);
    await insert(3, 'null', '-1 hour');
    assert.deepEqual(await read(), ['outbox_unpublished 3', 'outbox_oldest_unpublished_seconds 0']);
    await insert(2, 'null', '1 hour');
    const [count, age] = await read();
    assert.equal(count, 'outbox_unpublished 5');
    assert.match(age ?? '', /^outbox_oldest_unpublished_seconds 36\d\d/);
  });
});
