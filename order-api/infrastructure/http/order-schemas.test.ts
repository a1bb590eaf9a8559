import assert from 'node:assert/strict';
import { Decimal } from 'decimal.js';
import { parse } from 'lossless-json';
import { newOrder } from '../../domain/order.js';
import { faultsOf, orderBodySchema, toOrderBody, toOrderRequest } from './order-schemas.js';

const item = '{"sku":"A-1","quantity":2,"price":10.50}';
const good = { order_id: '"o-1"', customer_id: '"c-1"', items: `[${item}]` };

describe('order schemas', () => {
  it('take a good order, with every number as it was written', () => {
    const request = toOrderRequest(orderBodySchema.parse(read(body({}))));
    assert.deepEqual(newOrder(request).items, [{ sku: 'A-1', quantity: 2, price: 10.5 }]);
    assert.deepEqual([request.orderId, request.customerId], ['o-1', 'c-1']);
  });

  describe('take', () => {
    const taken: [string, string][] = [
      ['an id of 128 characters', body({ order_id: text('a'.repeat(128)) })],
      ['an id with every kind of character', body({ customer_id: '"Az09._:-"' })],
      ['100 items', body({ items: `[${Array(100).fill(item).join()}]` })],
    ];
    for (const [what, sent] of taken) it(what, () => assert.deepEqual(faults(sent), []));
  });

  describe('refuse, by JSON pointer,', () => {
    const id = /1 to 128 characters/;
    const string = /must be a string/;
    const quantity = /whole number from 1 to 1,000,000/;
    const refused: [string, string, [pointer: string, detail: RegExp][]][] = [
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
      ['an id with a slash', body({ order_id: '"a/b"' }), [['/order_id', id]]],
      ['an id with a space', body({ order_id: '" a"' }), [['/order_id', id]]],
      ['an id with a line break behind it', body({ order_id: '"a\\n"' }), [['/order_id', id]]],
      ['an id with a letter that is not ASCII', body({ customer_id: '"é"' }), [['/customer_id', id]]],
      ['items that are no array', body({ items: '{}' }), [['/items', /array of items/]]],
      ['no items', body({ items: '[]' }), [['/items', /at least one item/]]],
      ['over 100 items', body({ items: `[${Array(101).fill(item).join()}]` }), [['/items', /at most 100 items/]]],
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
    for (const [what, sent, expected] of refused) {
      it(what, () => {
        const found = faults(sent);
        assert.deepEqual(
          found.map(({ pointer }) => pointer),
          expected.map(([pointer]) => pointer),
        );
        found.forEach(({ detail }, index) => assert.match(detail, expected[index]?.[1] ?? /nothing more/));
      });
    }

    it('all faults at once', () => {
      const sent =
        '{"order_id":"a b","items":[{"sku":"A","quantity":0,"price":-1},{"sku":"\\n","price":1,"x":1}],"y":1}';
      const pointers = faults(sent).map(({ pointer }) => pointer);
      assert.deepEqual(
        new Set(pointers),
        new Set([
          ...['/order_id', '/customer_id', '/items/0/quantity', '/items/0/price', '/items/1/sku', '/items/1/quantity'],
          ...['/items/1/x', '/y'],
        ]),
      );
    });

    it('a field that hides in __proto__', () => {
      const pointers = faults(`{"__proto__":${body({})}}`).map(({ pointer }) => pointer);
      assert.ok(pointers.includes('/order_id') && pointers.includes('/customer_id') && pointers.includes('/items'));
    });
  });

  it('answer an order with the fields of the contract first, and money as JSON numbers', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const placed = newOrder(toOrderRequest(orderBodySchema.parse(read(body({})))));
    const order = { ...placed, workflowId: 'order-o-1', createdAt: at, updatedAt: at };
    assert.equal(
      JSON.stringify(toOrderBody(order)),
      '{"order_id":"o-1","customer_id":"c-1","status":"pending","total_amount":21,"version":1,' +
        '"items":[{"sku":"A-1","quantity":2,"price":10.5}],"failure_reason":null,"workflow_id":"order-o-1",' +
        '"created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-01-02T03:04:05.678Z"}',
    );
  });
});

/** The body as the route sees it: its numbers are the decimals that were written. */
function read(sent: string): unknown {
  return parse(sent, undefined, (digits) => new Decimal(digits));
}

function faults(sent: string) {
  const parsed = orderBodySchema.safeParse(read(sent));
  return parsed.success ? [] : faultsOf(parsed.error);
}

/** A good order with some fields replaced or added, each given as JSON. */
function body(fields: Record<string, string>): string {
  const written = Object.entries({ ...good, ...fields }).map(([name, value]) => `${text(name)}:${value}`);
  return `{${written.join()}}`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
