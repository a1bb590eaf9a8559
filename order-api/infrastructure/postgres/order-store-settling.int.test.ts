import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/testing/test-database.js';
import { UnknownOrder, type OrderStore } from '../../application/ports.js';
import type { NewOrder, Outcome } from '../../domain/order.js';
import { createOrderStore } from './order-store.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('order store, settling and looking after orders', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let store: OrderStore;
  before(async () => {
    database = await createTestDatabase('order-api');
    pool = database.pool;
    store = createOrderStore(pool, 0); // no grace: what is placed is due at once
  });
  beforeEach(() => pool.query('truncate orders, order_events, outbox, inbox'));
  after(() => database.drop());

  const place = (orderId: string) => store.place(anOrder(orderId), traceparent);
  const apply = (outcome: Outcome, eventKey = `order.processed:${outcome.orderId}:${outcome.version}`) =>
    store.applyOutcome(outcome, { eventKey, messageId: randomUUID() });
  const history = async (orderId: string) => {
    const { rows } = await pool.query<{ version: number; type: string; detail: object }>(
      'select version, type, detail from order_events where order_id = $1 order by id',
      [orderId],
    );
    return rows.map(({ version, type, detail }) => [version, type, detail]);
  };
  const inboxSize = async () => (await pool.query('select 1 from inbox')).rowCount;

  describe('an outcome', () => {
    it('settles a pending order once, and its history says so', async () => {
      const { order: placed } = await place('o-1');
      const { order, result } = await apply(failed('o-1', 'out of stock'));
      assert.equal(result, 'applied');
      assert.deepEqual(
        { ...order, updatedAt: placed.updatedAt },
        {
          ...placed,
          status: 'failed',
          version: 2,
          failureReason: 'out of stock',
        },
      );
      assert.ok(order.updatedAt >= placed.updatedAt);
      assert.deepEqual(await store.find('o-1'), order);
      assert.deepEqual(await history('o-1'), [
        [1, 'order.created', {}],
        [2, 'order.processed', { status: 'failed', reason: 'out of stock' }],
      ]);
    });

    it('that is repeated changes nothing', async () => {
      await place('o-1');
      const { order: settled } = await apply(done('o-1'));
      const before = await history('o-1');
      assert.deepEqual(await apply(done('o-1')), { order: settled, result: 'repeated' });
      assert.deepEqual(await history('o-1'), before);
      assert.equal(await inboxSize(), 1);
    });

    it('by twenty duplicates at once applies once', async () => {
      await place('o-1');
      const results = await Promise.all(Array.from({ length: 20 }, () => apply(done('o-1'))));
      assert.equal(results.filter(({ result }) => result === 'applied').length, 1);
      assert.equal(results.filter(({ result }) => result === 'repeated').length, 19);
      for (const { order } of results) assert.deepEqual([order.status, order.version], ['done', 2]);
      assert.equal((await history('o-1')).length, 2);
    });

    it("whose version is not above the order's is stale: noted, and otherwise without effect", async () => {
      const { order: placed } = await place('o-1');
      assert.deepEqual(await apply({ ...done('o-1'), version: 1 }), { order: placed, result: 'stale' });
      assert.deepEqual(await store.find('o-1'), placed);
      assert.deepEqual(await history('o-1'), [
        [1, 'order.created', {}],
        [1, 'order.outcome-ignored', { status: 'done', why: 'the order was pending at version 1' }],
      ]);
      assert.equal((await apply(done('o-1'))).result, 'applied', 'the right answer still comes through');
    });

    it('for an order that is settled already is stale, even with a higher version', async () => {
      await place('o-1');
      const { order: settled } = await apply(done('o-1'));
      assert.deepEqual(await apply({ ...failed('o-1', 'too late'), version: 3 }), { order: settled, result: 'stale' });
      assert.deepEqual(await store.find('o-1'), settled);
      assert.deepEqual((await history('o-1')).at(-1), [
        3,
        'order.outcome-ignored',
        { status: 'failed', reason: 'too late', why: 'the order was done at version 2' },
      ]);
    });

    it('two that contradict each other at once settle the order once, and the other is stale', async () => {
      await place('o-1');
      const results = await Promise.all([apply(done('o-1')), apply({ ...failed('o-1', 'no'), version: 3 })]);
      assert.deepEqual(new Set(results.map(({ result }) => result)), new Set(['applied', 'stale']));
      const types = (await history('o-1')).map(([, type]) => type);
      assert.deepEqual(new Set(types), new Set(['order.created', 'order.processed', 'order.outcome-ignored']));
    });

    it('by the hundred at once is applied in few transactions, and one to no order fails alone', async () => {
      const ids = Array.from({ length: 100 }, (_, index) => `o-${index}`);
      await Promise.all(ids.map(place));
      const results = await Promise.allSettled([...ids, 'nobody'].map((id) => apply(done(id))));
      const nobody = results.pop();
      assert.ok(nobody?.status === 'rejected' && nobody.reason instanceof UnknownOrder);
      for (const result of results) assert.ok(result.status === 'fulfilled' && result.value.result === 'applied');
      assert.equal(await inboxSize(), 100);
      await Promise.all(ids.map((id) => apply({ ...done(id), version: 3 })));
      const { rows } = await pool.query<{ transactions: number }>(
        `select count(distinct xmin::text)::int as transactions from inbox where event_key like '%:3'`,
      );
      assert.ok((rows[0]?.transactions ?? 100) < 10, JSON.stringify(rows));
    });

    it('several to one order at once are applied one after the other', async () => {
      await place('o-1');
      const stale = { ...done('o-1'), version: 1 };
      const results = await Promise.all([apply(stale), apply(done('o-1')), apply({ ...done('o-1'), version: 3 })]);
      assert.deepEqual(
        results.map(({ result }) => result),
        ['stale', 'applied', 'stale'],
      );
      const reasons = (await history('o-1')).map(([, , detail]) => (detail as { why?: string }).why);
      assert.deepEqual(reasons, [
        undefined,
        'the order was pending at version 1',
        undefined,
        'the order was done at version 2',
      ]);
    });

    it('for no order is refused, and nothing is written, the inbox included', async () => {
      await assert.rejects(apply(done('nobody')), UnknownOrder);
      assert.equal(await inboxSize(), 0);
      await place('nobody');
      assert.equal((await apply(done('nobody'))).result, 'applied', 'it is no repeat once the order is there');
    });
  });

  describe('looking after', () => {
    it('pending orders that are due are claimed, as a lease', async () => {
      await place('o-1');
      await place('settled');
      await apply(done('settled'));
      await createOrderStore(pool, 60_000).place(anOrder('not-yet'), traceparent);
      assert.deepEqual(await store.claimPending(10, 0), [{ orderId: 'o-1', workflowId: null }]);
      assert.deepEqual(await store.claimPending(10, 60_000), [{ orderId: 'o-1', workflowId: null }]);
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
        { orderId: 'o-3', workflowId: null },
        { orderId: 'o-1', workflowId: 'order-o-1' },
        { orderId: 'o-2', workflowId: null },
      ]);
    });

    it('an order is assigned to the workflow that asks first; settled orders to none', async () => {
      for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
      await apply(done('o-3'));
      const all = ['o-1', 'o-2', 'o-3', 'nobody'].map((orderId) => ({ orderId, workflowId: null }));
      assert.deepEqual(await store.assignWorkflow(all.slice(0, 1), 'orders-1'), ['o-1']);
      assert.deepEqual(await store.assignWorkflow(all, 'orders-2'), ['o-2']);
      assert.deepEqual(
        await store.assignWorkflow(all.slice(0, 1), 'orders-1'),
        ['o-1'],
        'asking again changes nothing',
      );
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
      await createOrderStore(pool, 60_000).place(anOrder('o-3'), traceparent);
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
});

function anOrder(orderId: string): NewOrder {
  return {
    orderId,
    customerId: 'c-1',
    status: 'pending',
    totalAmount: 1,
    version: 1,
    items: [{ sku: 'A', quantity: 1, price: 1 }],
    failureReason: null,
  };
}

function done(orderId: string): Outcome {
  return { orderId, status: 'done', reason: null, version: 2 };
}

function failed(orderId: string, reason: string): Outcome {
  return { orderId, status: 'failed', reason, version: 2 };
}
