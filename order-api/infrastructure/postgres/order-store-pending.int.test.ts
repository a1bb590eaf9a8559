import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { anOrder, done, traceparent } from '../../../infra/dev/testing/order-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import type { OrderStore } from '../../application/ports.js';
import type { Outcome } from '../../domain/order.js';
import { createOrderStore, markPublishedIfSettled } from './order-store.js';

describe('the order store', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let store: OrderStore;
  before(async () => {
    database = await createTestDatabase('order-api');
    pool = database.pool;
    store = createOrderStore(pool, 0); // no grace period: a new order is due at once
  });
  beforeEach(() => pool.query('truncate orders, order_events, outbox, inbox'));
  after(() => database.drop());

  const place = (orderId: string) => store.place(anOrder(orderId), traceparent);
  const apply = (outcome: Outcome, eventKey = `order.processed:${outcome.orderId}:${outcome.version}`) =>
    store.applyOutcome(outcome, { eventKey, messageId: randomUUID() });

  const ids = (orders: readonly { readonly orderId: string }[]): string[] =>
    orders.map(({ orderId }) => orderId).sort();
  const nextCheckInSeconds = async (orderId: string): Promise<number> => {
    const { rows } = await pool.query<{ seconds: string }>(
      'select extract(epoch from check_at - now()) as seconds from orders where order_id = $1',
      [orderId],
    );
    return Math.round(Number(rows[0]?.seconds));
  };

  it('leases the pending orders that are due, each with the workflow it was assigned to', async () => {
    for (const orderId of ['o-1', 'o-2', 'settled']) await place(orderId);
    await apply(done('settled'));
    await createOrderStore(pool, 60_000).place(anOrder('not-yet'), traceparent);
    await store.assignWorkflow([{ orderId: 'o-1', workflowId: null }], 'order-o-1');
    const due = [
      { orderId: 'o-1', workflowId: 'order-o-1' },
      { orderId: 'o-2', workflowId: null },
    ];
    const claim = async (leaseMs: number) =>
      (await store.claimPending(10, leaseMs)).sort((a, b) => a.orderId.localeCompare(b.orderId));
    assert.deepEqual(await claim(0), due);
    assert.deepEqual(await claim(60_000), due);
    assert.deepEqual(await claim(60_000), []);
  });

  it('never hands a pending order to two of many concurrent claims', async () => {
    for (let index = 0; index < 30; index += 1) await place(`o-${index}`);
    const claims = await Promise.all(Array.from({ length: 10 }, () => store.claimPending(5, 60_000)));
    const claimed = ids([...claims.flat(), ...(await store.claimPending(100, 60_000))]);
    assert.deepEqual([claimed.length, new Set(claimed).size], [30, 30]);
  });

  it('defers the next check of a pending order by as long as it has been pending, from 30 s to an hour', async () => {
    for (const [orderId, age] of Object.entries({ young: '1 second', older: '10 minutes', old: '3 days' })) {
      await place(orderId);
      await pool.query('update orders set created_at = now() - $2::interval where order_id = $1', [orderId, age]);
    }
    await store.deferCheck(['young', 'older', 'old', 'nobody'], 30_000);
    assert.deepEqual(await Promise.all(['young', 'older', 'old'].map(nextCheckInSeconds)), [30, 600, 3600]);
  });

  it('assigns an order to the first workflow that asks for it, and a settled order to none', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
    await apply(done('o-3'));
    const all = ['o-1', 'o-2', 'o-3', 'nobody'].map((orderId) => ({ orderId, workflowId: null }));
    assert.deepEqual(await store.assignWorkflow(all.slice(0, 1), 'orders-1'), ['o-1']);
    assert.deepEqual(await store.assignWorkflow(all, 'orders-2'), ['o-2']);
    assert.deepEqual(await store.assignWorkflow(all.slice(0, 1), 'orders-1'), ['o-1'], 'asking again has no effect');
    const found = await Promise.all(['o-1', 'o-2', 'o-3'].map((orderId) => store.find(orderId)));
    assert.deepEqual(
      found.map((order) => order?.workflowId),
      ['orders-1', 'orders-2', null],
    );
  });

  it('moves an order once from the workflow it is known to be in to another', async () => {
    await place('o-1');
    await store.assignWorkflow([{ orderId: 'o-1', workflowId: null }], 'orders-1');
    const known = [{ orderId: 'o-1', workflowId: 'orders-1' }];
    const moves = await Promise.all(['orders-2', 'orders-3'].map((to) => store.assignWorkflow(known, to)));
    assert.deepEqual(moves.flat(), ['o-1']);
  });

  it('marks the event of an order as published when it applies the outcome', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
    await Promise.all(['o-1', 'o-3'].map((orderId) => apply(done(orderId))));
    const { rows } = await pool.query('select aggregate_id from outbox where published_at is null');
    assert.deepEqual(rows, [{ aggregate_id: 'o-2' }]);
  });

  it('does not wait for an outbox row that another transaction is marking', async () => {
    await place('o-1');
    const other = await pool.connect();
    try {
      await other.query('begin');
      await other.query('update outbox set published_at = now()');
      assert.equal((await apply(done('o-1'))).result, 'applied');
    } finally {
      await other.query('rollback');
      other.release();
    }
  });

  it('marks the unpublished events of settled orders on request and leaves those of pending orders alone', async () => {
    for (const orderId of ['o-1', 'o-2']) await place(orderId);
    await apply(done('o-1'));
    await pool.query('update outbox set published_at = null');
    const { rows: all } = await pool.query<{ id: string }>('select id from outbox');
    await markPublishedIfSettled(
      pool,
      all.map(({ id }) => id),
    );
    const { rows } = await pool.query('select aggregate_id from outbox where published_at is null');
    assert.deepEqual(rows, [{ aggregate_id: 'o-2' }]);
  });
});
