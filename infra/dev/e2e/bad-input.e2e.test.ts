import assert from 'node:assert/strict';
import { anOrder, startSystem, type Answer, type TestSystem } from './system.js';

const item = { sku: 'laptop', quantity: 1, price: 10 };

/** What is wrong with the order, and under which pointers the answer says so. */
const invalidOrders: [string, object, string[]][] = [
  ['a missing field', { customer_id: undefined }, ['/customer_id']],
  ['an empty field', { customer_id: '' }, ['/customer_id']],
  ['a wrong-typed field', { order_id: 7 }, ['/order_id']],
  ['an unknown field', { status: 'done' }, ['/status']],
  ['an unknown field of an item', { items: [{ ...item, 'a/b': 1 }] }, ['/items/0/a~1b']],
  ['no items', { items: [] }, ['/items']],
  ['items that are no array', { items: item }, ['/items']],
  ['101 items', { items: Array.from({ length: 101 }, () => item) }, ['/items']],
  ['quantity 0', { items: [{ ...item, quantity: 0 }] }, ['/items/0/quantity']],
  ['quantity 1.5', { items: [{ ...item, quantity: 1.5 }] }, ['/items/0/quantity']],
  ['quantity over a million', { items: [{ ...item, quantity: 1_000_001 }] }, ['/items/0/quantity']],
  ['quantity in quotes', { items: [{ ...item, quantity: '1' }] }, ['/items/0/quantity']],
  ['a negative price', { items: [item, { ...item, price: -0.01 }] }, ['/items/1/price']],
  ['price NaN', { items: [{ ...item, price: 'NaN' }] }, ['/items/0/price']],
  ['a price with 5 decimals', { items: [{ ...item, price: 0.00001 }] }, ['/items/0/price']],
  ['a price no JSON number carries', { items: [{ ...item, price: '12345678901234.5678' }] }, ['/items/0/price']],
  ['a total no JSON number carries', { items: [{ ...item, price: 9007199254740991, quantity: 3 }] }, ['/items']],
  ['an order id with a space', { order_id: 'ord 1' }, ['/order_id']],
  ['an order id that is a directory', { order_id: '..' }, ['/order_id']],
  ['a sku that is blank to the eye', { items: [{ ...item, sku: '\u3164\u2800' }] }, ['/items/0/sku']],
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

describe('input that cannot be taken', () => {
  let system: TestSystem;

  before(async () => {
    system = await startSystem();
  });

  after(() => system.stop());

  afterEach('nothing is written', async () => {
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
    it(`${what} is 422, named by its JSON pointer`, async () => {
      const answer = await system.post({ ...anOrder({ items: [item] }), ...change });
      assertProblem(answer, 422);
      const errors = answer.body['errors'] as { pointer: string; detail: string }[];
      assert.deepEqual([...new Set(errors.map(({ pointer }) => pointer))].sort(), pointers);
      for (const { detail } of errors) assert.ok(detail.length > 5);
    });
  }

  for (const body of ['', '{', 'NaN', '{"price": NaN}', '['.repeat(30_000), '{"a":1,}']) {
    it(`a body that is not JSON is 400: ${body.slice(0, 20)}`, async () => {
      assertProblem(await system.post(body), 400);
    });
  }

  it('JSON that is no object is 422', async () => {
    for (const body of ['[]', '"order"', 'null', '7']) assertProblem(await system.post(body), 422);
  });

  it('another content type is 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      assertProblem(await system.post(anOrder(), { 'content-type': type }), 415);
    }
  });

  it('a body over 64 KiB is 413', async () => {
    assertProblem(await system.post(anOrder({ customer_id: 'x'.repeat(65 * 1024) })), 413);
  });

  it('an encoded body is 415', async () => {
    assertProblem(await system.post(anOrder(), { 'content-encoding': 'gzip' }), 415);
  });

  it('a body of many values is refused before it is parsed', async () => {
    assertProblem(await system.post(JSON.stringify({ items: Array(32_000).fill(0) })), 413);
  });

  it('an unknown path is 404', async () => {
    for (const path of ['/', '/METRICS', '/metrics/', '/Orders/x', '/order', '/orders/a/b', '/orders/%zz']) {
      assertProblem(await system.request('GET', path), 404);
    }
  });

  it('an unknown order is 404', async () => {
    for (const id of ['nobody', '%00', 'x'.repeat(129)]) assertProblem(await system.get(id), 404);
    assertProblem(await system.get(encodeURIComponent("'; drop table orders; --")), 404);
  });

  it('a wrong method is 405 with Allow', async () => {
    const wrong = await system.request('DELETE', '/orders');
    assertProblem(wrong, 405);
    assert.equal(wrong.headers.get('allow'), 'POST');
    const put = await system.request('PUT', '/orders/ord-001');
    assertProblem(put, 405);
    assert.equal(put.headers.get('allow'), 'HEAD, GET');
  });

  it('a prototype in the body is just an unknown field', async () => {
    const order = JSON.stringify(anOrder()).replace('{', '{"__proto__":{"status":"done"},');
    const answer = await system.post(order);
    assertProblem(answer, 422);
    assert.deepEqual(answer.body['errors'], [{ pointer: '/__proto__', detail: 'is not a known field' }]);
  });
});
