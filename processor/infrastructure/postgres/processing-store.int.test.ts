import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import type { CreatedOrder, ProcessingStore } from '../../application/ports.js';
import type { Decision } from '../../domain/decision.js';
import { createProcessingStore } from './processing-store.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const done = (): Decision => ({ status: 'done' });
const failed = (): Decision => ({ status: 'failed', reason: 'out of stock' });
const never = (): Decision => assert.fail('the order is already decided');

describe('the processing store', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let store: ProcessingStore;
  before(async () => {
    database = await createTestDatabase('processor');
    pool = database.pool;
    store = createProcessingStore(pool, 0); // no grace period: a stored outcome is due at once
  });
  beforeEach(() => pool.query('truncate processing_states, outbox, inbox'));
  after(() => database.drop());

  const counts = async () => {
    const { rows } = await pool.query<Record<'states' | 'outbox' | 'inbox', number>>(
      `select (select count(*) from processing_states)::int as states,
              (select count(*) from outbox)::int as outbox, (select count(*) from inbox)::int as inbox`,
    );
    return rows[0];
  };
  const payloads = async () => {
    const { rows } = await pool.query('select aggregate_id, type, payload, headers, published_at from outbox');
    return rows as unknown[];
  };

  it("stores the outcome, the inbox entry and the event together, with the version after the order's", async () => {
    const { processed, first } = await store.process(created('o-1'), failed);
    assert.equal(first, true);
    assert.deepEqual(processed, { orderId: 'o-1', status: 'failed', reason: 'out of stock', version: 2 });
    assert.deepEqual(await counts(), { states: 1, outbox: 1, inbox: 1 });
    assert.deepEqual(await payloads(), [
      {
        aggregate_id: 'o-1',
        type: 'order.processed',
        payload: { order_id: 'o-1', status: 'failed', reason: 'out of stock', version: 2 },
        headers: { traceparent },
        published_at: null,
      },
    ]);
    assert.equal(await store.isKnown('order.created:o-1:1'), true);
  });

  it('stores no reason for a done order', async () => {
    assert.equal((await store.process(created('o-1'), done)).processed.reason, null);
    const { rows } = await pool.query('select payload from outbox');
    assert.deepEqual(rows, [{ payload: { order_id: 'o-1', status: 'done', version: 2 } }]);
  });

  it('decides nothing, writes nothing and returns the stored outcome for a repeat', async () => {
    const { processed } = await store.process(created('o-1'), done);
    assert.deepEqual(await store.process(created('o-1'), never), { processed, first: false });
    assert.deepEqual(await counts(), { states: 1, outbox: 1, inbox: 1 });
  });

  it('decides once for twenty concurrent duplicates', async () => {
    let decisions = 0;
    const decide = (): Decision => {
      decisions += 1;
      return decisions % 2 ? done() : failed();
    };
    const results = await Promise.all(Array.from({ length: 20 }, () => store.process(created('o-1'), decide)));
    assert.equal(decisions, 1);
    assert.equal(results.filter(({ first }) => first).length, 1);
    for (const { processed } of results) assert.deepEqual(processed, results[0]?.processed);
    assert.deepEqual(await counts(), { states: 1, outbox: 1, inbox: 1 });
  });

  it('stores a hundred concurrent orders in few transactions and fails only an order that throws', async () => {
    const broken = (): Decision => {
      throw new Error('the decision failed');
    };
    const orders = Array.from({ length: 100 }, (_, index) => created(`o-${index}`));
    const results = await Promise.allSettled(orders.map((order, index) => store.process(order, index ? done : broken)));
    const [first, ...others] = results;
    assert.equal(first?.status, 'rejected');
    for (const result of others) assert.ok(result.status === 'fulfilled' && result.value.first);
    assert.deepEqual(await counts(), { states: 99, outbox: 99, inbox: 99 });
    await Promise.all(orders.map((_, index) => store.process(created(`p-${index}`), done)));
    const { rows } = await pool.query<{ transactions: number }>(
      `select count(distinct xmin::text)::int as transactions from processing_states where order_id like 'p-%'`,
    );
    assert.ok((rows[0]?.transactions ?? 100) < 10, JSON.stringify(rows));
  });

  it('decides nothing for an event that is replayed after the inbox was cleaned', async () => {
    const { processed } = await store.process(created('o-1'), done);
    await pool.query('delete from inbox; delete from outbox');
    assert.equal(await store.isKnown('order.created:o-1:1'), false);
    const again = await Promise.all(Array.from({ length: 5 }, () => store.process(created('o-1'), never)));
    for (const result of again) assert.deepEqual(result, { processed, first: false });
    assert.deepEqual(await counts(), { states: 1, outbox: 0, inbox: 1 });
  });

  it('writes nothing when it fails half-way, and does not treat the next attempt as a repeat', async () => {
    const broken = (): Decision => {
      throw new Error('the decision failed');
    };
    await assert.rejects(store.process(created('o-1'), broken), /the decision failed/);
    await pool.query('alter table outbox rename to outbox_renamed');
    try {
      await assert.rejects(store.process(created('o-1'), done), /outbox/);
    } finally {
      await pool.query('alter table outbox_renamed rename to outbox');
    }
    assert.deepEqual(await counts(), { states: 0, outbox: 0, inbox: 0 });
    assert.equal(await store.isKnown('order.created:o-1:1'), false);
    assert.equal((await store.process(created('o-1'), done)).first, true);
  });
});

function created(orderId: string): CreatedOrder {
  const eventKey = `order.created:${orderId}:1`;
  return { orderId, version: 1, eventKey, messageId: randomUUID(), traceparent, workflowId: `orders-of-${orderId}` };
}
