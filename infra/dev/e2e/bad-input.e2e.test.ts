import assert from 'node:assert/strict';
import { anOrder, startSystem, type Answer, type TestSystem } from './system.js';

const item = { sku: 'laptop', quantity: 1, price: 10 };

/** What the order has, the change that gives it that, and the JSON pointers that the answer names. */
const invalidOrders: [string, object, string[]][] = [
  ['a missing field', { customer_id: undefined }, ['/customer_id']],
  ['an empty field', { customer_id: '' }, ['/customer_id']],
  ['a field of the wrong type', { order_id: 7 }, ['/order_id']],
  ['an unknown field', { status: 'done' }, ['/status']],
  ['an item with an unknown field', { items: [{ ...item, 'a/b': 1 }] }, ['/items/0/a~1b']],
  ['no items', { items: [] }, ['/items']],
  ['items that are not an array', { items: item }, ['/items']],
  ['101 items', { items: Array.from({ length: 101 }, () => item) }, ['/items']],
  ['a quantity of 0', { items: [{ ...item, quantity: 0 }] }, ['/items/0/quantity']],
  ['a quantity of 1.5', { items: [{ ...item, quantity: 1.5 }] }, ['/items/0/quantity']],
  ['a quantity over a million', { items: [{ ...item, quantity: 1_000_001 }] }, ['/items/0/quantity']],
  ['a quantity in quotes', { items: [{ ...item, quantity: '1' }] }, ['/items/0/quantity']],
  ['a negative price', { items: [item, { ...item, price: -0.01 }] }, ['/items/1/price']],
  ['the price NaN', { items: [{ ...item, price: 'NaN' }] }, ['/items/0/price']],
  ['a price with 5 decimals', { items: [{ ...item, price: 0.00001 }] }, ['/items/0/price']],
  [
    'a price that no JSON number represents exactly',
    { items: [{ ...item, price: '12345678901234.5678' }] },
    ['/items/0/price'],
  ],
  [
    'a total that no JSON number represents exactly',
    { items: [{ ...item, price: 9007199254740991, quantity: 3 }] },
    ['/items'],
  ],
  ['an order id with a space', { order_id: 'ord 1' }, ['/order_id']],
  ['an order id that names a directory', { order_id: '..' }, ['/order_id']],
  ['a sku that looks blank', { items: [{ ...item, sku: '\u3164\u2800' }] }, ['/items/0/sku']],
  ['an order id of 129 characters', { order_id: 'x'.repeat(129) }, ['/order_id']],
  ['a customer id with a slash', { customer_id: 'a/b' }, ['/customer_id']],
  ['a sku with a control character', { items: [{ ...item, sku: 'lap\u0007top' }] }, ['/items/0/sku']],
  ['an empty sku', { items: [{ ...item, sku: '' }] }, ['/items/0/sku']],
  ['a sku of 129 characters', { items: [{ ...item, sku: 'x'.repeat(129) }] }, ['/items/0/sku']],
  [
    'several validation errors',
    { order_id: '', items: [{ sku: '', quantity: 0, price: -1 }] },
    ['/items/0/price', '/items/0/quantity', '/items/0/sku', '/order_id'],
  ],
];

describe('the order API, on invalid input,', () => {
  let system: TestSystem;

  before(async () => {
    system = await startSystem();
  });

  after(() => system.stop());

  afterEach('expect that nothing is written', async () => {
    const { rows } = await system.ordersDb.pool.query(
      `select (select count(*) from orders) + (select count(*) from outbox) + (select count(*) from order_events) as written`,
    );
    assert.deepEqual(rows, [{ written: '0' }]);
  });

  function assertProblem(answer: Answer, status: number): void {
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.equal(answer.body['status'], status);
    for (const field of ['type', 'title', 'detail']) assert.equal(typeof answer.body[field], 'string', field);
    assert.doesNotMatch(JSON.stringify(answer.body), /select |insert |node_modules|ECONN|\\n\s+at /i);
  }

  for (const [what, change, pointers] of invalidOrders) {
    it(`rejects an order with ${what}: 422 with a JSON pointer to each error`, async () => {
      const answer = await system.post({ ...anOrder({ items: [item] }), ...change });
      assertProblem(answer, 422);
      const errors = answer.body['errors'] as { pointer: string; detail: string }[];
      assert.deepEqual([...new Set(errors.map(({ pointer }) => pointer))].sort(), pointers);
      for (const { detail } of errors) assert.ok(detail.length > 5);
    });
  }

  for (const body of ['', '{', 'NaN', '{"price": NaN}', '['.repeat(30_000), '{"a":1,}']) {
    it(`answers 400 to a body that is not JSON: ${JSON.stringify(body.slice(0, 20))}`, async () => {
      assertProblem(await system.post(body), 400);
    });
  }

  it('answers 422 to JSON that is not an object', async () => {
    for (const body of ['[]', '"order"', 'null', '7']) assertProblem(await system.post(body), 422);
  });

  it('answers 415 to another content type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      assertProblem(await system.post(anOrder(), { 'content-type': type }), 415);
    }
  });

  it('answers 413 to a body over 64 KiB', async () => {
    assertProblem(await system.post(anOrder({ customer_id: 'x'.repeat(65 * 1024) })), 413);
  });

  it('answers 415 to an encoded body', async () => {
    assertProblem(await system.post(anOrder(), { 'content-encoding': 'gzip' }), 415);
  });

  it('answers 413 to a body of too many values before parsing it', async () => {
    assertProblem(await system.post(JSON.stringify({ items: Array(32_000).fill(0) })), 413);
  });

  it('answers 404 to an unknown path', async () => {
    for (const path of ['/', '/METRICS', '/metrics/', '/Orders/x', '/order', '/orders/a/b', '/orders/%zz']) {
      assertProblem(await system.request('GET', path), 404);
    }
  });

  it('answers 404 to an unknown order', async () => {
    for (const id of ['nobody', '%00', 'x'.repeat(129)]) assertProblem(await system.get(id), 404);
    assertProblem(await system.get(encodeURIComponent("'; drop table orders; --")), 404);
  });

  it('answers 405 and an Allow header to a wrong method', async () => {
    const wrong = await system.request('DELETE', '/orders');
    assertProblem(wrong, 405);
    assert.equal(wrong.headers.get('allow'), 'POST');
    const put = await system.request('PUT', '/orders/ord-001');
    assertProblem(put, 405);
    assert.equal(put.headers.get('allow'), 'HEAD, GET');
  });

  it('treats __proto__ in a body as an unknown field', async () => {
    const order = JSON.stringify(anOrder()).replace('{', '{"__proto__":{"status":"done"},');
    const answer = await system.post(order);
    assertProblem(answer, 422);
    assert.deepEqual(answer.body['errors'], [{ pointer: '/__proto__', detail: 'is not a known field' }]);
  });
});
