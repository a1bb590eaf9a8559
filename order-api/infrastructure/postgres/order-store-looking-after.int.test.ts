import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { anOrder, done, failed, traceparent } from '../../../infra/testing/order-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/test-database.js';
import type { OrderStore } from '../../application/ports.js';
import type { Outcome } from '../../domain/order.js';
import { createOrderStore } from './order-store.js';

describe('order store, looking after orders', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let store: OrderStore;
  before(async () => {
    database = await createTestDatabase('order-api');
    pool = database.pool;
    store = createOrderStore(pool, { graceMs: 0, overdueAfterMs: 60_000 }); // no grace: what is placed is due at once
  });
  beforeEach(() => pool.query('truncate orders, order_events, outbox, inbox'));
  after(() => database.drop());

  const place = (orderId: string) => store.place(anOrder(orderId), traceparent);
  const apply = (outcome: Outcome, eventKey = `order.processed:${outcome.orderId}:${outcome.version}`) =>
    store.applyOutcome(outcome, { eventKey, messageId: randomUUID() });

  it('pending orders that are due are claimed, as a lease', async () => {
    await place('o-1');
    await place('settled');
    await apply(done('settled'));
    await createOrderStore(pool, { graceMs: 60_000, overdueAfterMs: 60_000 }).place(anOrder('not-yet'), traceparent);
    assert.deepEqual(await store.claimPending(10, 0), [{ orderId: 'o-1', workflowId: null, overdue: false }]);
    assert.deepEqual(await store.claimPending(10, 60_000), [{ orderId: 'o-1', workflowId: null, overdue: false }]);
    assert.deepEqual(await store.claimPending(10, 60_000), []);
  });

  it('pending orders are claimed by many at once without the same one twice', async () => {
    for (let index = 0; index < 30; index += 1) await place(`o-${index}`);
    const claims = await Promise.all(Array.from({ length: 10 }, () => store.claimPending(5, 60_000)));
    const taken = [...claims.flat(), ...(await store.claimPending(100, 60_000))].map(({ orderId }) => orderId);
    assert.deepEqual([taken.length, new Set(taken).size], [30, 30]);
  });

  it('pending orders are claimed with the workflow they are in, oldest first', async () => {
    for (const orderId of ['o-3', 'o-1', 'o-2']) await place(orderId);
    await store.assignWorkflow([{ orderId: 'o-1', workflowId: null }], 'order-o-1');
    assert.deepEqual(await store.claimPending(10, 0), [
      { orderId: 'o-3', workflowId: null, overdue: false },
      { orderId: 'o-1', workflowId: 'order-o-1', overdue: false },
      { orderId: 'o-2', workflowId: null, overdue: false },
    ]);
  });

  it('a pending order is overdue after its time, and again after twice that, and four times that', async () => {
    for (const orderId of ['o-1', 'settled']) await place(orderId);
    await apply(done('settled'));
    const isOverdueAfter = async (seconds: number): Promise<boolean | undefined> => {
      await pool.query(`update outbox set published_at = now() - $1 * interval '1 second'`, [seconds]);
      return (await store.claimPending(10, 0))[0]?.overdue;
    };
    await pool.query(`update orders set created_at = now() - interval '1 day'`);
    assert.equal((await store.claimPending(10, 0))[0]?.overdue, false, 'its event is not published yet');
    assert.deepEqual([await isOverdueAfter(59), await isOverdueAfter(60)], [false, true]);
    await store.notePublishedAgain(['o-1', 'settled']);
    assert.deepEqual([await isOverdueAfter(119), await isOverdueAfter(120)], [false, true]);
    await store.notePublishedAgain(['o-1']);
    assert.deepEqual([await isOverdueAfter(239), await isOverdueAfter(240)], [false, true]);
    const { rows } = await pool.query(`select published_again from orders where order_id = 'settled'`);
    assert.deepEqual(rows, [{ published_again: 0 }]);
  });

  it('an order is assigned to the workflow that asks first; settled orders to none', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
    await apply(done('o-3'));
    const all = ['o-1', 'o-2', 'o-3', 'nobody'].map((orderId) => ({ orderId, workflowId: null }));
    assert.deepEqual(await store.assignWorkflow(all.slice(0, 1), 'orders-1'), ['o-1']);
    assert.deepEqual(await store.assignWorkflow(all, 'orders-2'), ['o-2']);
    assert.deepEqual(await store.assignWorkflow(all.slice(0, 1), 'orders-1'), ['o-1'], 'asking again changes nothing');
    const found = await Promise.all(['o-1', 'o-2', 'o-3'].map((orderId) => store.find(orderId)));
    assert.deepEqual(
      found.map((order) => order?.workflowId),
      ['orders-1', 'orders-2', null],
    );
  });

  it('an order moves from the workflow it is known to be in to another, once', async () => {
    await place('o-1');
    await store.assignWorkflow([{ orderId: 'o-1', workflowId: null }], 'orders-1');
    const known = [{ orderId: 'o-1', workflowId: 'orders-1' }];
    const moves = await Promise.all(['orders-2', 'orders-3'].map((to) => store.assignWorkflow(known, to)));
    assert.deepEqual(moves.flat(), ['o-1']);
  });

  it('tells which of some orders are settled, and how', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
    await apply(failed('o-2', 'out of stock'));
    assert.deepEqual(await store.findSettled(['o-1', 'o-2', 'nobody']), [
      { orderId: 'o-2', status: 'failed', version: 2 },
    ]);
  });

  it('the event of a settled order counts as published, since its answer has come', async () => {
    await place('o-1');
    await place('o-2');
    await createOrderStore(pool, { graceMs: 60_000, overdueAfterMs: 60_000 }).place(anOrder('o-3'), traceparent);
    for (const orderId of ['o-1', 'o-3']) await apply(done(orderId));
    assert.equal(await store.markProvenPublished(), 1);
    assert.equal(await store.markProvenPublished(), 0);
    const { rows } = await pool.query('select aggregate_id from outbox where published_at is null order by 1');
    assert.deepEqual(rows, [{ aggregate_id: 'o-2' }, { aggregate_id: 'o-3' }]);
  });

  it('a workflow that is owed the word is claimed, with its order, until that is cleared', async () => {
    await place('o-1');
    const { order } = await apply(done('o-1'));
    const eventKey = 'order.processed:o-1:2';
    assert.deepEqual(await store.claimOwedSettled(10, 0), []);
    await store.oweSettled(eventKey);
    assert.deepEqual(await store.claimOwedSettled(10, 0), [{ eventKey, order }]);
    assert.deepEqual(await store.claimOwedSettled(10, 60_000), [{ eventKey, order }]);
    await store.oweSettled(eventKey);
    await store.clearOwedSettled(eventKey);
    assert.deepEqual(await store.claimOwedSettled(10, 60_000), []);
  });
});
