import assert from 'node:assert/strict';
import { parseAmount } from '../domain/money.js';
import { OrderRefused, type Order, type OrderRequest } from '../domain/order.js';
import { createPlaceOrder } from './place-order.js';
import type { OrderStore, OrderWorkflows } from './ports.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('place order', () => {
  it('stores a new order with its total and trace, then asks for its workflow', async () => {
    const { placeOrder, steps, orders } = setUp();
    const placement = await placeOrder(request('o-1', '0.1', 3), traceparent);
    assert.ok(placement.kind === 'created');
    assert.equal(placement.order.totalAmount, 0.3);
    assert.deepEqual(placement.order, orders.get('o-1'));
    assert.deepEqual(steps, [`place o-1 ${traceparent}`, 'start o-1']);
  });

  it('the same order again sets nothing off, and is answered as it is now', async () => {
    const { placeOrder, steps, orders } = setUp();
    await placeOrder(request('o-1', '1.5', 2), traceparent);
    const settled: Order = { ...stored(orders, 'o-1'), status: 'done', version: 2 };
    orders.set('o-1', settled);
    steps.length = 0;
    assert.deepEqual(await placeOrder(request('o-1', '1.50', 2), traceparent), { kind: 'repeated', order: settled });
    assert.deepEqual(steps, [`place o-1 ${traceparent}`]);
  });

  it('another order under the same id is conflicting, and shows nothing of the first one', async () => {
    const { placeOrder, steps } = setUp();
    await placeOrder(request('o-1', '1.5', 2), traceparent);
    steps.length = 0;
    assert.deepEqual(await placeOrder(request('o-1', '1.5', 3), traceparent), { kind: 'conflicting' });
    assert.deepEqual(steps, [`place o-1 ${traceparent}`]);
  });

  it('an order whose total cannot be answered exactly is refused before anything is stored', async () => {
    const { placeOrder, steps } = setUp();
    await assert.rejects(placeOrder(request('o-1', '1.7e308', 2), traceparent), OrderRefused);
    assert.deepEqual(steps, []);
  });

  it('an order that could not be stored gets no workflow', async () => {
    const { placeOrder, steps, orders } = setUp();
    orders.set = () => {
      throw new Error('the database is away');
    };
    await assert.rejects(placeOrder(request('o-1', '1', 1), traceparent), /the database is away/);
    assert.ok(!steps.includes('start o-1'));
  });
});

function setUp() {
  const orders = new Map<string, Order>();
  const steps: string[] = [];
  const at = new Date('2026-01-02T03:04:05Z');
  const fakeStore: Partial<OrderStore> = {
    place: async (order, trace) => {
      steps.push(`place ${order.orderId} ${trace}`);
      const known = orders.get(order.orderId);
      if (known) return { order: known, created: false };
      const created: Order = { ...order, workflowId: null, createdAt: at, updatedAt: at };
      orders.set(order.orderId, created);
      return { order: created, created: true };
    },
  };
  const fakeWorkflows: Partial<OrderWorkflows> = {
    startSoon: (orderId) => void steps.push(`start ${orderId}`),
  };
  const [store, workflows] = [fakeStore as OrderStore, fakeWorkflows as OrderWorkflows];
  return { placeOrder: createPlaceOrder({ store, workflows }), steps, orders };
}

function request(orderId: string, price: string, quantity: number): OrderRequest {
  const amount = parseAmount(price);
  assert.ok(amount);
  return { orderId, customerId: 'c-1', items: [{ sku: 'A', quantity, price: amount }] };
}

function stored(orders: ReadonlyMap<string, Order>, orderId: string): Order {
  const order = orders.get(orderId);
  assert.ok(order);
  return order;
}
