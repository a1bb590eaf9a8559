import assert from 'node:assert/strict';
import { parseAmount } from './money.js';
import { isSameRequest, newOrder, OrderRefused, type OrderRequest } from './order.js';

describe('a new order', () => {
  it('is pending, at version 1, with its exact total', () => {
    const order = newOrder(request([item('A', 2, '10.50'), item('B', 1, '5')]));
    assert.deepEqual(order, {
      orderId: 'o-1',
      customerId: 'c-1',
      status: 'pending',
      totalAmount: 26,
      version: 1,
      items: [
        { sku: 'A', quantity: 2, price: 10.5 },
        { sku: 'B', quantity: 1, price: 5 },
      ],
      failureReason: null,
    });
  });

  it('of 3 items at 0.1 costs 0.3', () => {
    assert.equal(newOrder(request([item('A', 3, '0.1')])).totalAmount, 0.3);
  });

  it('is refused with the reason when its total has more digits than a JSON number can represent', () => {
    const tooFine = request([item('A', 1, '1000000000000000'), item('B', 1, '0.0001')]);
    assert.throws(
      () => newOrder(tooFine),
      (error) =>
        error instanceof OrderRefused && /1000000000000000\.0001.*more digits.*split the order/.test(error.message),
    );
    assert.throws(() => newOrder(request([item('A', 1_000_000, '1.7e308')])), OrderRefused);
  });

  describe('that repeats an earlier one', () => {
    const first = newOrder(request([item('A', 2, '10.50'), item('B', 1, '5')]));

    it('is the same request however its prices are written', () => {
      const again = newOrder(request([item('A', 2, '1.05e1'), item('B', 1, '5.0000')]));
      assert.equal(isSameRequest(first, again), true);
    });

    const others: [string, OrderRequest][] = [
      ['a different customer', { ...request([item('A', 2, '10.50'), item('B', 1, '5')]), customerId: 'c-2' }],
      ['a different sku', request([item('A', 2, '10.50'), item('C', 1, '5')])],
      ['a different quantity', request([item('A', 3, '10.50'), item('B', 1, '5')])],
      ['a different price', request([item('A', 2, '10.51'), item('B', 1, '5')])],
      ['the items in a different order', request([item('B', 1, '5'), item('A', 2, '10.50')])],
      ['one item fewer', request([item('A', 2, '10.50')])],
      ['one item more', request([item('A', 2, '10.50'), item('B', 1, '5'), item('B', 1, '5')])],
    ];
    for (const [what, other] of others) {
      it(`is a different request with ${what}`, () => {
        assert.equal(isSameRequest(first, newOrder(other)), false);
        assert.equal(isSameRequest(newOrder(other), first), false);
      });
    }
  });
});

function request(items: OrderRequest['items']): OrderRequest {
  return { orderId: 'o-1', customerId: 'c-1', items };
}

function item(sku: string, quantity: number, price: string): OrderRequest['items'][number] {
  const amount = parseAmount(price);
  assert.ok(amount);
  return { sku, quantity, price: amount };
}
