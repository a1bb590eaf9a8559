import assert from 'node:assert/strict';
import fc from 'fast-check';
import { validationErrorsOf } from '../../../infra/http/validation-errors.js';
import { orderCreated } from '../../../workflows/order-events.js';
import { newOrder, OrderRefused, type NewOrder, type OrderRequest } from '../../domain/order.js';
import { parseJson } from './json-body.js';
import { orderBodySchema, toOrderBody, toOrderRequest } from './order-schemas.js';

const item = '{"sku":"A-1","quantity":2,"price":10.50}';
const good = { order_id: '"o-1"', customer_id: '"c-1"', items: `[${item}]` };

describe('the order schema', () => {
  it('accepts a valid order and keeps every number exact', () => {
    const request = toOrderRequest(orderBodySchema.parse(parseJson(body({}))));
    assert.deepEqual(newOrder(request).items, [{ sku: 'A-1', quantity: 2, price: 10.5 }]);
    assert.deepEqual([request.orderId, request.customerId], ['o-1', 'c-1']);
  });

  describe('accepts', () => {
    const accepted: [string, string][] = [
      ['an id of 128 characters', body({ order_id: text('a'.repeat(128)) })],
      ['an id with every kind of character', body({ customer_id: '"Az09._:-"' })],
      ['an id of dots that no client treats as a directory', body({ order_id: '"..."', customer_id: '".a"' })],
      ['100 items', body({ items: `[${Array(100).fill(item).join()}]` })],
    ];
    for (const [what, sent] of accepted) it(what, () => assert.deepEqual(errorsOf(sent), []));
  });

  describe('rejects, by JSON pointer,', () => {
    const id = /1 to 128 characters/;
    const string = /must be a string/;
    const quantity = /whole number from 1 to 1,000,000/;
    const rejected: [string, string, [pointer: string, detail: RegExp][]][] = [
      ['a body that is null', 'null', [['', /must be an object/]]],
      ['a body that is an array', '[]', [['', /must be an object/]]],
      ['a body that is a number', '1', [['', /must be an object/]]],
      ['an item that is a number', body({ items: '[5]' }), [['/items/0', /must be an object/]]],
      [
        'an empty body, field by field',
        '{}',
        [
          ['/order_id', string],
          ['/customer_id', string],
          ['/items', /array/],
        ],
      ],
      ['a field that is null', body({ order_id: 'null' }), [['/order_id', string]]],
      ['an id that is a number', body({ customer_id: '7' }), [['/customer_id', string]]],
      ['an empty id', body({ order_id: '""' }), [['/order_id', id]]],
      ['an id of 129 characters', body({ order_id: text('a'.repeat(129)) }), [['/order_id', id]]],
      ['an order id that means the current directory in a URL', body({ order_id: '"."' }), [['/order_id', id]]],
      ['an order id that means the parent directory in a URL', body({ order_id: '".."' }), [['/order_id', id]]],
      ['an id with a slash', body({ order_id: '"a/b"' }), [['/order_id', id]]],
      ['an id with a space', body({ order_id: '" a"' }), [['/order_id', id]]],
      ['an id with a trailing line break', body({ order_id: '"a\\n"' }), [['/order_id', id]]],
      ['an id with a letter that is not ASCII', body({ customer_id: '"é"' }), [['/customer_id', id]]],
      ['items that are not an array', body({ items: '{}' }), [['/items', /array of items/]]],
      ['no items', body({ items: '[]' }), [['/items', /at least one item/]]],
      ['more than 100 items', body({ items: `[${Array(101).fill(item).join()}]` }), [['/items', /at most 100 items/]]],
      ['an item that is null', body({ items: `[${item},null]` }), [['/items/1', /must be an object/]]],
      [
        'an empty item, field by field',
        body({ items: '[{}]' }),
        [
          ['/items/0/sku', string],
          ['/items/0/quantity', quantity],
          ['/items/0/price', /number, or a string/],
        ],
      ],
      ['an unknown field', body({ note: '1' }), [['/note', /not a known field/]]],
      [
        'an unknown field of an item',
        body({ items: '[{"sku":"A","quantity":1,"price":1,"colour":"red"}]' }),
        [['/items/0/colour', /not a known field/]],
      ],
      [
        'unknown fields with odd names, escaped',
        body({ 'a/b': '1', 'c~d': '2', '': '3' }),
        [
          ['/a~1b', /not a known field/],
          ['/c~0d', /not a known field/],
          ['/', /not a known field/],
        ],
      ],
    ];
    for (const [what, sent, expected] of rejected) {
      it(what, () => {
        const found = errorsOf(sent);
        assert.deepEqual(
          found.map(({ pointer }) => pointer),
          expected.map(([pointer]) => pointer),
        );
        found.forEach(({ detail }, index) => assert.match(detail, expected[index]?.[1] ?? /nothing more/));
      });
    }

    it('an invalid order, with all its validation errors at once', () => {
      const sent =
        '{"order_id":"a b","items":[{"sku":"A","quantity":0,"price":-1},{"sku":"\\n","price":1,"x":1}],"y":1}';
      const pointers = errorsOf(sent).map(({ pointer }) => pointer);
      assert.deepEqual(
        new Set(pointers),
        new Set([
          ...['/order_id', '/customer_id', '/items/0/quantity', '/items/0/price', '/items/1/sku', '/items/1/quantity'],
          ...['/items/1/x', '/y'],
        ]),
      );
    });

    it('an order whose fields are hidden in __proto__', () => {
      const pointers = errorsOf(`{"__proto__":${body({})}}`).map(({ pointer }) => pointer);
      assert.ok(pointers.includes('/order_id') && pointers.includes('/customer_id') && pointers.includes('/items'));
    });
  });

  it('accepts no order whose event would be unreadable', () => {
    const sku = fc.string({ maxLength: 8, unit: 'binary' }).map((characters) => `${characters}a`);
    const price = fc.oneof(
      fc.nat().map((units) => `${units}e-4`),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.constantFrom('-0', '1e21', '0.1', '0.3'),
    );
    const quantity = fc.oneof(fc.integer({ min: -1, max: 1_000_001 }).map(String), price);
    const ids = fc.oneof(fc.string({ maxLength: 3 }), fc.stringMatching(/^[A-Za-z0-9._:-]{1,3}$/));
    let accepted = 0;
    fc.assert(
      fc.property(ids, sku, price, quantity, (id, written, amount, count) => {
        const items = `[{"sku":${text(written)},"quantity":${count},"price":${amount}}]`;
        const parsed = orderBodySchema.safeParse(parseJson(body({ order_id: text(id), items })));
        if (!parsed.success) return;
        const placed = placedOrder(toOrderRequest(parsed.data));
        if (!placed) return;
        accepted += 1;
        const { orderId, customerId, totalAmount, ...order } = placed;
        const event = { ...order, order_id: orderId, customer_id: customerId, total_amount: totalAmount };
        assert.equal(orderCreated.data.safeParse(JSON.parse(JSON.stringify(event))).error, undefined);
      }),
      { numRuns: 2000 },
    );
    assert.ok(accepted > 50, `${accepted} orders were accepted`);
  });

  it('writes an order with the fields of the contract first and money as JSON numbers', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const placed = newOrder(toOrderRequest(orderBodySchema.parse(parseJson(body({})))));
    const order = { ...placed, workflowId: 'order-o-1', createdAt: at, updatedAt: at };
    assert.equal(
      JSON.stringify(toOrderBody(order)),
      '{"order_id":"o-1","customer_id":"c-1","status":"pending","total_amount":21,"version":1,' +
        '"items":[{"sku":"A-1","quantity":2,"price":10.5}],"failure_reason":null,"workflow_id":"order-o-1",' +
        '"created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-01-02T03:04:05.678Z"}',
    );
  });
});

function errorsOf(sent: string) {
  const parsed = orderBodySchema.safeParse(parseJson(sent));
  return parsed.success ? [] : validationErrorsOf(parsed.error);
}

function placedOrder(request: OrderRequest): NewOrder | undefined {
  try {
    return newOrder(request);
  } catch (error) {
    assert.ok(error instanceof OrderRefused);
    return undefined;
  }
}

/** A valid order with some fields replaced or added, each given as JSON. */
function body(fields: Record<string, string>): string {
  const written = Object.entries({ ...good, ...fields }).map(([name, value]) => `${text(name)}:${value}`);
  return `{${written.join()}}`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
