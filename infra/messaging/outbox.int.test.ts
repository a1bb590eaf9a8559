import assert from 'node:assert/strict';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { inTransaction, type Queryable } from '../postgres/pool.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import {
  addToOutbox,
  claimUnpublished,
  deletePublished,
  findToPublish,
  markPublished,
  recordFailedAttempts,
  type OutboxMessage,
} from './outbox.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

interface Row {
  attempts: number;
  last_error: string | null;
  published_at: Date | null;
}

describe('the outbox', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  before(async () => {
    database = await createTestDatabase('processor');
    pool = database.pool;
  });
  beforeEach(() => pool.query('truncate outbox'));
  after(() => database.drop());

  const rowOf = async (id: string): Promise<Row> => {
    const { rows } = await pool.query<Row>('select attempts, last_error, published_at from outbox where id = $1', [id]);
    assert.ok(rows[0]);
    return rows[0];
  };
  const count = async (): Promise<number> => (await pool.query('select 1 from outbox')).rowCount ?? 0;

  it('keeps a message if, and only if, its transaction commits', async () => {
    const work = async (tx: Queryable) => {
      await addToOutbox(tx, [message('a-1')], 0);
      throw new Error('it broke');
    };
    await assert.rejects(inTransaction(pool, work), /it broke/);
    assert.equal(await count(), 0);
    await inTransaction(pool, (tx) => addToOutbox(tx, [message('a-1')], 0));
    assert.equal(await count(), 1);
  });

  it('returns a message exactly as it was written', async () => {
    const written = { ...message('a-1'), payload: { name: 'Größe "42"\n', amount: 0.1, list: [1, { deep: null }] } };
    await addToOutbox(pool, [written], 0);
    const [read, ...others] = await findToPublish(pool, ['a-1'], 'thing.made');
    assert.ok(read && others.length === 0);
    const { createdAt, ...rest } = read;
    assert.deepEqual(rest, written);
    assert.ok(createdAt instanceof Date);
  });

  it('finds the unpublished messages of one aggregate and type, oldest first', async () => {
    const wanted = [message('a-1'), message('a-1'), message('a-1')];
    for (const one of wanted.toReversed()) await addToOutbox(pool, [one], 0);
    await addToOutbox(pool, [message('a-2')], 0);
    await addToOutbox(pool, [{ ...message('a-1'), type: 'thing.lost' }], 0);
    const published = message('a-1');
    await addToOutbox(pool, [published], 0);
    await markPublished(pool, [published.id]);
    const found = await findToPublish(pool, ['a-1'], 'thing.made');
    assert.deepEqual(
      found.map(({ id }) => id),
      wanted.map(({ id }) => id),
    );
  });

  it('also finds messages that were published long enough ago, on request', async () => {
    const [unpublished, recent, old] = [message('a-1'), message('a-1'), message('a-1')];
    for (const one of [unpublished, recent, old]) await addToOutbox(pool, [one], 0);
    await markPublished(pool, [recent.id, old.id]);
    await pool.query(`update outbox set published_at = now() - interval '20 seconds' where id = $1`, [old.id]);
    const found = await findToPublish(pool, ['a-1'], 'thing.made', 15_000);
    assert.deepEqual(
      found.map(({ id }) => id),
      [unpublished.id, old.id],
    );
    await markPublished(pool, [old.id]);
    assert.equal((await findToPublish(pool, ['a-1'], 'thing.made', 15_000)).length, 1, 'it was published just now');
  });

  it('records failed attempts and the last reason, cut to 1,000 characters', async () => {
    const { id } = await added(message('a-1'));
    await recordFailedAttempts(pool, [{ id, error: 'the broker was unavailable' }]);
    await recordFailedAttempts(pool, [{ id, error: 'x'.repeat(5000) }]);
    assert.deepEqual(await rowOf(id), { attempts: 2, last_error: 'x'.repeat(1000), published_at: null });
  });

  it('counts the attempt and clears the error when a message is published, and changes nothing later', async () => {
    const { id } = await added(message('a-1'));
    await recordFailedAttempts(pool, [{ id, error: 'the broker was unavailable' }]);
    await markPublished(pool, [id]);
    const published = await rowOf(id);
    assert.equal(published.attempts, 2);
    assert.equal(published.last_error, null);
    assert.ok(published.published_at);
    await recordFailedAttempts(pool, [{ id, error: 'too late to matter' }]);
    assert.deepEqual(await rowOf(id), published);
    assert.deepEqual(await findToPublish(pool, ['a-1'], 'thing.made'), []);
  });

  describe('when unpublished messages are claimed', () => {
    it('hands out unpublished messages that are due, and no others', async () => {
      await added(message('due'));
      await added(message('not-yet'), 60_000);
      await markPublished(pool, [(await added(message('published'))).id]);
      assert.deepEqual(aggregatesOf(await claimUnpublished(pool, 10, 60_000)), ['due']);
    });

    it('makes a claimed message due again after its age, with a minimum of 30 s and a maximum of an hour', async () => {
      for (const [name, age] of Object.entries({ young: '1 second', older: '10 minutes', old: '3 days' })) {
        await added(message(name));
        await pool.query('update outbox set created_at = now() - $2::interval where aggregate_id = $1', [name, age]);
      }
      await claimUnpublished(pool, 10, 30_000);
      const { rows } = await pool.query(
        `select aggregate_id, round(extract(epoch from check_at - now()))::int as seconds from outbox order by 1`,
      );
      assert.deepEqual(rows, [
        { aggregate_id: 'old', seconds: 3600 },
        { aggregate_id: 'older', seconds: 600 },
        { aggregate_id: 'young', seconds: 30 },
      ]);
    });

    it('leases a message: it is due again later, and not before', async () => {
      await added(message('a-1'));
      assert.equal((await claimUnpublished(pool, 10, 60_000)).length, 1);
      assert.equal((await claimUnpublished(pool, 10, 60_000)).length, 0);
      await pool.query('update outbox set check_at = now()');
      assert.equal((await claimUnpublished(pool, 10, 60_000)).length, 1);
    });

    it('hands out no more messages than the limit, those that were due first', async () => {
      for (const [name, ms] of [
        ['third', -1000],
        ['first', -3000],
        ['second', -2000],
      ] as const) {
        await added(message(name), ms);
      }
      const claimed = await claimUnpublished(pool, 2, 60_000);
      assert.deepEqual(new Set(claimed.map(({ aggregateId }) => aggregateId)), new Set(['first', 'second']));
    });

    it('never hands out a message to two concurrent claims, and neither waits for the other', async () => {
      for (let index = 0; index < 20; index += 1) await added(message(`a-${index}`));
      await inTransaction(pool, async (first) => {
        const mine = await claimUnpublished(first, 10, 60_000);
        const theirs = await inTransaction(pool, (second) => claimUnpublished(second, 15, 60_000));
        assert.deepEqual([mine.length, theirs.length], [10, 10]);
        assert.equal(new Set([...mine, ...theirs].map(({ aggregateId }) => aggregateId)).size, 20);
      });
    });

    it('hands out every message once to many concurrent claims', async () => {
      for (let index = 0; index < 40; index += 1) await added(message(`a-${index}`));
      const claims = await Promise.all(Array.from({ length: 12 }, () => claimUnpublished(pool, 5, 60_000)));
      const taken = [...claims.flat(), ...(await claimUnpublished(pool, 100, 60_000))];
      assert.equal(taken.length, 40);
      assert.equal(new Set(taken.map(({ aggregateId }) => aggregateId)).size, 40);
    });
  });

  describe('during cleanup', () => {
    it('never deletes an unpublished message, however old', async () => {
      await added(message('a-1'));
      await pool.query(`update outbox set created_at = now() - interval '10 years', check_at = created_at`);
      assert.equal(await deletePublished(pool, 1, 100), 0);
      assert.equal(await count(), 1);
    });

    it('deletes messages that were published before the retention period, and no younger ones', async () => {
      for (const [name, age] of [
        ['old', '8 days'],
        ['young', '6 days'],
      ] as const) {
        const { id } = await added(message(name));
        await pool.query(`update outbox set published_at = now() - $2::interval where id = $1`, [id, age]);
      }
      assert.equal(await deletePublished(pool, 7, 100), 1);
      const { rows } = await pool.query<{ aggregate_id: string }>('select aggregate_id from outbox');
      assert.deepEqual(rows, [{ aggregate_id: 'young' }]);
    });

    it('deletes at most one batch of messages in each call', async () => {
      for (let index = 0; index < 5; index += 1) await added(message('a-1'));
      await pool.query(`update outbox set published_at = now() - interval '8 days'`);
      const removed = [
        await deletePublished(pool, 7, 3),
        await deletePublished(pool, 7, 3),
        await deletePublished(pool, 7, 3),
      ];
      assert.deepEqual(removed, [3, 2, 0]);
    });
  });

  async function added(one: OutboxMessage, graceMs = -1): Promise<OutboxMessage> {
    await addToOutbox(pool, [one], graceMs);
    return one;
  }
});

function aggregatesOf(rows: readonly { readonly aggregateId: string }[]): string[] {
  return rows.map(({ aggregateId }) => aggregateId);
}

function message(aggregateId: string): OutboxMessage {
  return { id: uuidv7(), aggregateId, type: 'thing.made', payload: { thing: aggregateId }, headers: { traceparent } };
}
