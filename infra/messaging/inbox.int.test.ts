import assert from 'node:assert/strict';
import type pg from 'pg';
import { inTransaction, type Queryable } from '../postgres/pool.js';
import { eventually } from '../dev/testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { deleteReceived, isRecorded, recordOnce, type InboxEntry } from './inbox.js';

describe('the inbox', () => {
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

  describe('when it records events', () => {
    it('reports an event as new the first time and never again, whatever message it arrives in', async () => {
      assert.equal(await record(entry('e-1')), true);
      assert.equal(await record(entry('e-1')), false);
      assert.equal(await record({ ...entry('e-1'), messageId: 'another' }), false);
      assert.equal(await record(entry('e-2')), true);
    });

    it('returns the new ones among many events, and returns an event that occurs twice only once', async () => {
      await record(entry('e-2'));
      const entries = ['e-3', 'e-2', 'e-1', 'e-3'].map(entry);
      const recorded = await inTransaction(pool, (tx) => recordOnce(tx, entries));
      assert.deepEqual([...recorded].sort(), ['e-1', 'e-3']);
      assert.deepEqual(await keys(), ['e-1', 'e-2', 'e-3']);
    });

    it('causes no deadlock when many transactions record the same events in any order', async () => {
      const all = Array.from({ length: 50 }, (_, index) => entry(`e-${index}`));
      const batches = Array.from({ length: 8 }, (_, index) => (index % 2 ? all : all.toReversed()));
      const recorded = await Promise.all(batches.map((batch) => inTransaction(pool, (tx) => recordOnce(tx, batch))));
      assert.equal(
        recorded.reduce((sum, { size }) => sum + size, 0),
        50,
      );
    });

    it('forgets an event whose transaction rolls back', async () => {
      const work = async (tx: Queryable) => {
        await recordOne(tx, entry('e-1'));
        throw new Error('it broke');
      };
      await assert.rejects(inTransaction(pool, work), /it broke/);
      assert.equal(await isRecorded(pool, 'e-1'), false);
      assert.equal(await record(entry('e-1')), true);
    });

    it('shows an event to others only once its transaction has committed', async () => {
      await inTransaction(pool, async (tx) => {
        await recordOne(tx, entry('e-1'));
        assert.equal(await isRecorded(pool, 'e-1'), false);
      });
      assert.equal(await isRecorded(pool, 'e-1'), true);
    });

    it('makes a concurrent duplicate wait and reports it as known when the first transaction commits', async () => {
      const second = await whileTheFirstIsOpen('commit');
      assert.equal(second, false);
    });

    it('makes a concurrent duplicate wait and reports it as new when the first transaction rolls back', async () => {
      const second = await whileTheFirstIsOpen('rollback');
      assert.equal(second, true);
      assert.deepEqual(await keys(), ['e-1']);
    });
  });

  /** Returns what a concurrent duplicate is told. The first transaction ends only once the duplicate waits for it. */
  async function whileTheFirstIsOpen(end: 'commit' | 'rollback'): Promise<boolean> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      assert.equal(await recordOne(client, entry('e-1')), true);
      const second = record(entry('e-1'));
      await eventually('the duplicate waits', async () => {
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

  describe('during cleanup', () => {
    const age = (eventKey: string, interval: string) =>
      pool.query('update inbox set received_at = now() - $2::interval where event_key = $1', [eventKey, interval]);

    it('deletes events that are older than the retention period, and no younger ones', async () => {
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

    it('deletes at most one batch of events in each call', async () => {
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
