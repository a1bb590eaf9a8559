import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import type { OrderStore } from '../../application/ports.js';
import { parseAmount } from '../../domain/money.js';
import { newOrder, type NewOrder, type Outcome } from '../../domain/order.js';
import { createOrderStore } from './order-store.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the order store', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let store: OrderStore;
  before(async () => {
    database = await createTestDatabase('order-api');
    pool = database.pool;
    store = createOrderStore(pool, 60_000);
  });
  beforeEach(() => pool.query('truncate orders, order_events, outbox, inbox'));
  after(() => database.drop());

  const settle = (outcome: Outcome, messageId: string = randomUUID()) =>
    store.applyOutcome(outcome, { eventKey: `order.processed:${outcome.orderId}:${outcome.version}`, messageId });
  const counts = async () => {
    const { rows } = await pool.query<Record<'orders' | 'events' | 'outbox' | 'inbox', number>>(
      `select (select count(*) from orders)::int as orders, (select count(*) from order_events)::int as events,
              (select count(*) from outbox)::int as outbox, (select count(*) from inbox)::int as inbox`,
    );
    return rows[0];
  };
  const history = async (orderId: string) => {
    const { rows } = await pool.query<{ version: number; type: string; detail: object }>(
      'select version, type, detail from order_events where order_id = $1 order by id',
      [orderId],
    );
    return rows.map(({ version, type, detail }) => [version, type, detail]);
  };

  describe('when it places orders,', () => {
    it('stores the order, its history and its event together', async () => {
      const { order, created } = await store.place(anOrder('o-1'), traceparent);
      assert.equal(created, true);
      const { createdAt, updatedAt, ...rest } = order;
      assert.deepEqual(rest, { ...anOrder('o-1'), workflowId: null });
      assert.deepEqual(createdAt, updatedAt);
      assert.deepEqual(await store.find('o-1'), order);
      assert.deepEqual(await history('o-1'), [[1, 'order.created', {}]]);
      const { rows } = await pool.query('select aggregate_id, type, payload, headers, published_at from outbox');
      assert.deepEqual(rows, [
        {
          aggregate_id: 'o-1',
          type: 'order.created',
          payload: {
            order_id: 'o-1',
            customer_id: 'c-1',
            items: [{ sku: 'A', quantity: 3, price: 0.1 }],
            total_amount: 0.3,
            version: 1,
          },
          headers: { traceparent },
          published_at: null,
        },
      ]);
    });

    it('writes nothing for an order id that is taken and returns the order as it is now', async () => {
      await store.place(anOrder('o-1'), traceparent);
      const { order: settled } = await settle(done('o-1'));
      const before = await counts();
      const other = { ...anOrder('o-1'), customerId: 'c-2' };
      assert.deepEqual(await store.place(other, traceparent), { order: settled, created: false });
      assert.deepEqual(await counts(), before);
    });

    it('stores one order, one event and one history entry for fifty concurrent duplicates', async () => {
      const placements = await Promise.all(Array.from({ length: 50 }, () => store.place(anOrder('o-1'), traceparent)));
      assert.equal(placements.filter(({ created }) => created).length, 1);
      for (const { order } of placements) assert.deepEqual(order, placements[0]?.order);
      assert.deepEqual(await counts(), { orders: 1, events: 1, outbox: 1, inbox: 0 });
    });

    it('stores exactly one of several different orders that arrive concurrently under one id', async () => {
      const others = ['c-1', 'c-2', 'c-3'].map((customerId) => ({ ...anOrder('o-1'), customerId }));
      const placements = await Promise.all(others.map((order) => store.place(order, traceparent)));
      assert.deepEqual(
        placements.map(({ created, order }) => [created, order.customerId]),
        [true, false, false].map((created) => [created, 'c-1']),
      );
      const { rows } = await pool.query(`select payload->>'customer_id' as customer from outbox`);
      assert.deepEqual(rows, [{ customer: 'c-1' }]);
    });

    it('stores each order once when several instances place the same orders concurrently', async () => {
      const instances = Array.from({ length: 4 }, () => createOrderStore(pool, 0));
      const ids = Array.from({ length: 40 }, (_, index) => `o-${index}`);
      const placements = await Promise.all(
        instances.flatMap((instance, shift) =>
          ids.map((_, index) => instance.place(anOrder(ids[(index * 7 + shift * 11) % 40] ?? ''), traceparent)),
        ),
      );
      assert.equal(placements.filter(({ created }) => created).length, 40);
      assert.deepEqual(await counts(), { orders: 40, events: 40, outbox: 40, inbox: 0 });
    });

    it('stores the other orders of a batch when one of them cannot be stored', async () => {
      const ids = ['o-1', 'o-2', 'o-3', 'o-4'];
      const placements = await Promise.allSettled(
        ids.map((id) => store.place({ ...anOrder(id), version: id === 'o-3' ? 2 : 1 }, traceparent)),
      );
      assert.deepEqual(
        placements.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(await counts(), { orders: 3, events: 3, outbox: 3, inbox: 0 });
    });

    it('writes nothing when a placement fails half-way', async () => {
      const invalid = { ...anOrder('o-1'), version: 2 };
      await assert.rejects(store.place(invalid, traceparent), /check constraint/);
      await pool.query('alter table outbox rename to outbox_renamed');
      try {
        await assert.rejects(store.place(anOrder('o-1'), traceparent), /outbox/);
      } finally {
        await pool.query('alter table outbox_renamed rename to outbox');
      }
      assert.deepEqual(await counts(), { orders: 0, events: 0, outbox: 0, inbox: 0 });
    });

    it('keeps money exact in the database and in the event', async () => {
      const money = fc.tuple(fc.integer({ min: 0, max: 10 ** 9 }), fc.integer({ min: 1, max: 1000 }));
      await fc.assert(
        fc.asyncProperty(fc.array(money, { minLength: 1, maxLength: 5 }), async (lines) => {
          const orderId = randomUUID();
          const items = lines.map(([units, quantity], index) => {
            const price = parseAmount(`${units}e-4`);
            assert.ok(price);
            return { sku: `S-${index}`, quantity, price };
          });
          const wanted = newOrder({ orderId, customerId: 'c-1', items });
          await store.place(wanted, traceparent);
          const found = await store.find(orderId);
          assert.equal(found?.totalAmount, wanted.totalAmount);
          assert.deepEqual(found.items, wanted.items);
          const { rows } = await pool.query<{ stored: string; event: { total_amount: number; items: unknown } }>(
            `select total_amount::text as stored, payload as event
             from orders join outbox on aggregate_id = order_id where order_id = $1`,
            [orderId],
          );
          const exact = lines.reduce((sum, [units, quantity]) => sum + BigInt(units) * BigInt(quantity), 0n);
          assert.equal(unitsOf(rows[0]?.stored ?? ''), exact);
          assert.equal(rows[0]?.event.total_amount, wanted.totalAmount);
          assert.deepEqual(rows[0].event.items, wanted.items);
        }),
        { numRuns: 25 },
      );
    });
  });

  it('finds no order under an unknown id', async () => {
    assert.equal(await store.find('nobody'), undefined);
  });
});

function anOrder(orderId: string): NewOrder {
  return {
    orderId,
    customerId: 'c-1',
    status: 'pending',
    totalAmount: 0.3,
    version: 1,
    items: [{ sku: 'A', quantity: 3, price: 0.1 }],
    failureReason: null,
  };
}

function done(orderId: string): Outcome {
  return { orderId, status: 'done', reason: null, version: 2 };
}

/** Converts the text of a Postgres numeric to ten-thousandths. */
function unitsOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(4, '0'));
}
