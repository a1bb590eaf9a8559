import assert from 'node:assert/strict';
import type pg from 'pg';
import { inTransaction, type Queryable } from '../postgres/pool.js';
import { eventually } from '../dev/testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { deleteReceived, isRecorded, recordOnce, type InboxEntry } from './inbox.js';

describe('inbox', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  before(async () => {
    database = await createTestDatabase('processor');
    pool = database.pool;
  });
  beforeEach(() => pool.query('truncate inbox'));
  after(() => database.drop());

  const recordOne = async (tx: Queryable, one: InboxEntry) => (await recordOnce(tx, [one])).has(one.eventKey);
  const record = (one: InboxEntry) => inTransaction(pool, (tx) => recordOne(tx, one));
  const keys = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ event_key: string }>('select event_key from inbox order by event_key');
    return rows.map(({ event_key }) => event_key);
  };

  describe('recording', () => {
    it('an event is true the first time and false ever after, whatever the message it came in', async () => {
      assert.equal(await record(entry('e-1')), true);
      assert.equal(await record(entry('e-1')), false);
      assert.equal(await record({ ...entry('e-1'), messageId: 'another' }), false);
      assert.equal(await record(entry('e-2')), true);
    });

    it('many events at once tells those that are new, an event that is there twice once', async () => {
      await record(entry('e-2'));
      const entries = ['e-3', 'e-2', 'e-1', 'e-3'].map(entry);
      const recorded = await inTransaction(pool, (tx) => recordOnce(tx, entries));
      assert.deepEqual([...recorded].sort(), ['e-1', 'e-3']);
      assert.deepEqual(await keys(), ['e-1', 'e-2', 'e-3']);
    });

    it('the same events by many at once, in any order, ends without a deadlock', async () => {
      const all = Array.from({ length: 50 }, (_, index) => entry(`e-${index}`));
      const batches = Array.from({ length: 8 }, (_, index) => (index % 2 ? all : all.toReversed()));
      const recorded = await Promise.all(batches.map((batch) => inTransaction(pool, (tx) => recordOnce(tx, batch))));
      assert.equal(
        recorded.reduce((sum, { size }) => sum + size, 0),
        50,
      );
    });

    it('is part of its transaction: rolled back, the event counts as new', async () => {
      const work = async (tx: Queryable) => {
        await recordOne(tx, entry('e-1'));
        throw new Error('it broke');
      };
      await assert.rejects(inTransaction(pool, work), /it broke/);
      assert.equal(await isRecorded(pool, 'e-1'), false);
      assert.equal(await record(entry('e-1')), true);
    });

    it('is seen by others once it is committed', async () => {
      await inTransaction(pool, async (tx) => {
        await recordOne(tx, entry('e-1'));
        assert.equal(await isRecorded(pool, 'e-1'), false);
      });
      assert.equal(await isRecorded(pool, 'e-1'), true);
    });

    it('by two at once makes the second wait, and tells it false when the first commits', async () => {
      const second = await whileTheFirstIsOpen('commit');
      assert.equal(second, false);
    });

    it('by two at once makes the second wait, and tells it true when the first rolls back', async () => {
      const second = await whileTheFirstIsOpen('rollback');
      assert.equal(second, true);
      assert.deepEqual(await keys(), ['e-1']);
    });
  });

  /** What a concurrent duplicate is told; the first one ends only when the duplicate waits for it. */
  async function whileTheFirstIsOpen(end: 'commit' | 'rollback'): Promise<boolean> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      assert.equal(await recordOne(client, entry('e-1')), true);
      const second = record(entry('e-1'));
      await eventually('the second one waits', async () => {
        const { rowCount } = await pool.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        assert.equal(rowCount, 1);
      });
      await client.query(end);
      return await second;
    } finally {
      client.release();
    }
  }

  describe('cleaning', () => {
    const age = (eventKey: string, interval: string) =>
      pool.query('update inbox set received_at = now() - $2::interval where event_key = $1', [eventKey, interval]);

    it('removes what was received longer ago than the retention, and nothing younger', async () => {
      for (const [name, received] of [
        ['old', '31 days'],
        ['young', '29 days'],
      ] as const) {
        await record(entry(name));
        await age(name, received);
      }
      assert.equal(await deleteReceived(pool, 30, 100), 1);
      assert.deepEqual(await keys(), ['young']);
    });

    it('goes in batches', async () => {
      for (let index = 0; index < 5; index += 1) {
        await record(entry(`e-${index}`));
        await age(`e-${index}`, '31 days');
      }
      const removed = [
        await deleteReceived(pool, 30, 3),
        await deleteReceived(pool, 30, 3),
        await deleteReceived(pool, 30, 3),
      ];
      assert.deepEqual(removed, [3, 2, 0]);
    });
  });
});

function entry(eventKey: string): InboxEntry {
  return { eventKey, messageId: `message of ${eventKey}`, aggregateId: `aggregate of ${eventKey}` };
}
