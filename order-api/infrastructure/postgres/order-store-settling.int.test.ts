import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { anOrder, done, failed, traceparent } from '../../../infra/dev/testing/order-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import { UnknownOrder, type OrderStore } from '../../application/ports.js';
import type { Outcome } from '../../domain/order.js';
import { createOrderStore } from './order-store.js';

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
  const history = async (orderId: string) => {
    const { rows } = await pool.query<{ version: number; type: string; detail: object }>(
      'select version, type, detail from order_events where order_id = $1 order by id',
      [orderId],
    );
    return rows.map(({ version, type, detail }) => [version, type, detail]);
  };
  const inboxSize = async () => (await pool.query('select 1 from inbox')).rowCount;

  describe('when it applies outcomes,', () => {
    it('settles a pending order and records that in its history', async () => {
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

    it('changes nothing for a repeated outcome', async () => {
      await place('o-1');
      const { order: settled } = await apply(done('o-1'));
      const before = await history('o-1');
      assert.deepEqual(await apply(done('o-1')), { order: settled, result: 'repeated' });
      assert.deepEqual(await history('o-1'), before);
      assert.equal(await inboxSize(), 1);
    });

    it('applies one of twenty concurrent duplicates', async () => {
      await place('o-1');
      const results = await Promise.all(Array.from({ length: 20 }, () => apply(done('o-1'))));
      assert.equal(results.filter(({ result }) => result === 'applied').length, 1);
      assert.equal(results.filter(({ result }) => result === 'repeated').length, 19);
      for (const { order } of results) assert.deepEqual([order.status, order.version], ['done', 2]);
      assert.equal((await history('o-1')).length, 2);
    });

    it("records an outcome whose version is not above the order's as stale, without any other effect", async () => {
      const { order: placed } = await place('o-1');
      assert.deepEqual(await apply({ ...done('o-1'), version: 1 }), { order: placed, result: 'stale' });
      assert.deepEqual(await store.find('o-1'), placed);
      assert.deepEqual(await history('o-1'), [
        [1, 'order.created', {}],
        [1, 'order.outcome-ignored', { status: 'done', why: 'the order was pending at version 1' }],
      ]);
      assert.equal((await apply(done('o-1'))).result, 'applied', 'the correct outcome is still applied');
    });

    it('treats an outcome for a settled order as stale, even with a higher version', async () => {
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

    it('applies one of two concurrent outcomes that contradict each other, and treats the other as stale', async () => {
      await place('o-1');
      const results = await Promise.all([apply(done('o-1')), apply({ ...failed('o-1', 'no'), version: 3 })]);
      assert.deepEqual(new Set(results.map(({ result }) => result)), new Set(['applied', 'stale']));
      const types = (await history('o-1')).map(([, type]) => type);
      assert.deepEqual(new Set(types), new Set(['order.created', 'order.processed', 'order.outcome-ignored']));
    });

    it('applies a hundred concurrent outcomes in few transactions and fails only the invalid one', async () => {
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

    it('applies several concurrent outcomes for one order one after the other', async () => {
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

    it('rejects an outcome for an unknown order and writes nothing, not even to the inbox', async () => {
      await assert.rejects(apply(done('nobody')), UnknownOrder);
      assert.equal(await inboxSize(), 0);
      await place('nobody');
      assert.equal((await apply(done('nobody'))).result, 'applied', 'it is not a repeat once the order exists');
    });
  });
});
