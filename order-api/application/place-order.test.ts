import assert from 'node:assert/strict';
import { createInMemoryOrderStore } from '../../infra/dev/testing/in-memory-order-store.js';
import { done } from '../../infra/dev/testing/order-fixtures.js';
import { parseAmount } from '../domain/money.js';
import { OrderRefused, type OrderRequest } from '../domain/order.js';
import { createPlaceOrder } from './place-order.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('placeOrder', () => {
  it('stores a new order with its total and trace, then requests its workflow', async () => {
    const { placeOrder, steps, orders } = setUp();
    const placement = await placeOrder(request('o-1', '0.1', 3), traceparent);
    assert.ok(placement.kind === 'created');
    assert.equal(placement.order.totalAmount, 0.3);
    assert.deepEqual(placement.order, await orders.find('o-1'));
    assert.deepEqual(steps, [`place o-1 ${traceparent}`, 'start o-1']);
  });

  it('returns the current order, and starts no second workflow, when the same order is placed again', async () => {
    const { placeOrder, steps, orders } = setUp();
    await placeOrder(request('o-1', '1.5', 2), traceparent);
    const { order: settled } = await orders.applyOutcome(done('o-1'), { eventKey: 'e-1', messageId: 'm-1' });
    steps.length = 0;
    assert.deepEqual(await placeOrder(request('o-1', '1.50', 2), traceparent), { kind: 'repeated', order: settled });
    assert.deepEqual(steps, [`place o-1 ${traceparent}`]);
  });

  it('reports a different order under the same id as conflicting and reveals nothing about the first one', async () => {
    const { placeOrder, steps } = setUp();
    await placeOrder(request('o-1', '1.5', 2), traceparent);
    steps.length = 0;
    assert.deepEqual(await placeOrder(request('o-1', '1.5', 3), traceparent), { kind: 'conflicting' });
    assert.deepEqual(steps, [`place o-1 ${traceparent}`]);
  });

  it('refuses an order whose total is not exact as a JSON number before it stores anything', async () => {
    const { placeOrder, steps } = setUp();
    await assert.rejects(placeOrder(request('o-1', '1.7e308', 2), traceparent), OrderRefused);
    assert.deepEqual(steps, []);
  });

  it('starts no workflow for an order that could not be stored', async () => {
    const { placeOrder, steps } = setUp(new Error('the database is unavailable'));
    await assert.rejects(placeOrder(request('o-1', '1', 1), traceparent), /the database is unavailable/);
    assert.deepEqual(steps, [`place o-1 ${traceparent}`]);
  });
});

function setUp(failure?: Error) {
  const orders = createInMemoryOrderStore();
  const steps: string[] = [];
  const placeOrder = createPlaceOrder({
    store: {
      place: async (order, trace) => {
        steps.push(`place ${order.orderId} ${trace}`);
        if (failure) throw failure;
        return orders.place(order, trace);
      },
    },
    workflows: { startSoon: (orderId) => void steps.push(`start ${orderId}`) },
  });
  return { placeOrder, steps, orders };
}

function request(orderId: string, price: string, quantity: number): OrderRequest {
  const amount = parseAmount(price);
  assert.ok(amount);
  return { orderId, customerId: 'c-1', items: [{ sku: 'A', quantity, price: amount }] };
}
