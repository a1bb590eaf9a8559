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
      ['the smallest and the largest quantity', body({ items: `[${withQuantity('1')},${withQuantity('1000000')}]` })],
      ['a quantity written 2.0 or 2e0', body({ items: `[${withQuantity('2.0')},${withQuantity('2e0')}]` })],
      ['a price of nothing', body({ items: `[${withPrice('0')},${withPrice('-0')}]` })],
      ['a price with 4 decimals', body({ items: `[${withPrice('0.0001')},${withPrice('1e-4')}]` })],
      ['a price with zeros behind its 4 decimals', body({ items: `[${withPrice('1.500000000')}]` })],
      ['a price in a string', body({ items: `[${withPrice('"12.50"')},${withPrice('"007"')}]` })],
      ['a sku of 128 characters', body({ items: `[${withSku('x'.repeat(128))}]` })],
      ['a sku of 128 characters beyond the basic plane', body({ items: `[${withSku('𝔸'.repeat(128))}]` })],
      ['a sku with spaces, accents and signs', body({ items: `[${withSku('Größe 42 / rot €')}]` })],
    ];
    for (const [what, sent] of taken) it(what, () => assert.deepEqual(faults(sent), []));
  });

  it('read prices that are written differently as the same', () => {
    const sent = body({ items: `[${withPrice('1.5')},${withPrice('15e-1')},${withPrice('"1.5000"')}]` });
    const { items } = orderBodySchema.parse(read(sent));
    assert.deepEqual(
      items.map(({ price }) => price.toFixed()),
      ['1.5', '1.5', '1.5'],
    );
  });

  describe('refuse, by JSON pointer,', () => {
    const id = /1 to 128 characters/;
    const string = /must be a string/;
    const quantity = /whole number from 1 to 1,000,000/;
    const printable = /1 to 128 printable characters/;
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
      ['a price that is negative', body({ items: `[${withPrice('-0.01')}]` }), [['/items/0/price', /0 or more/]]],
      [
        'a price with over 4 decimals',
        body({ items: `[${withPrice('0.00001')}]` }),
        [['/items/0/price', /4 decimals/]],
      ],
      [
        'a price with too many digits',
        body({ items: `[${withPrice('1234567890123456.7891')}]` }),
        [['/items/0/price', /more digits/]],
      ],
      ['a price without end', body({ items: `[${withPrice('1e400')}]` }), [['/items/0/price', /more digits/]]],
      ['a price that is true', body({ items: `[${withPrice('true')}]` }), [['/items/0/price', /number, or a string/]]],
      [
        'an empty sku',
        body({ items: '[{"sku":"","quantity":1,"price":1}]' }),
        [
          ['/items/0/sku', printable],
          ['/items/0/sku', /must not be blank/],
        ],
      ],
      ['a blank sku', body({ items: `[${withSku('   ')}]` }), [['/items/0/sku', /must not be blank/]]],
      ['a sku that is a number', body({ items: '[{"sku":5,"quantity":1,"price":1}]' }), [['/items/0/sku', string]]],
    ];
    for (const price of ['"NaN"', '"-1"', '"1e3"', '""', '" 1"', '"1,5"', '".5"', '"Infinity"', '1e99999']) {
      refused.push([
        `a price of ${price}`,
        body({ items: `[${withPrice(price)}]` }),
        [['/items/0/price', /decimal number/]],
      ]);
    }
    for (const value of [
      '0',
      '-1',
      '1.5',
      '"2"',
      '1e7',
      '1000001',
      '1.0000000000000000001',
      '1e999999',
      'null',
      'true',
    ]) {
      refused.push([
        `a quantity of ${value}`,
        body({ items: `[${withQuantity(value)}]` }),
        [['/items/0/quantity', quantity]],
      ]);
    }
    const unprintable = [
      'a\u0000b',
      'a\nb',
      'a\tb',
      'a\u007fb',
      'a\u0085b',
      'a\u2028b',
      'a\u2029b',
      'a\u200bb',
      'a\ufeffb',
    ];
    for (const sku of [...unprintable, 'a\ud800b', '\udc00', 'a\u202eb', 'x'.repeat(129)]) {
      const shown = sku.length > 100 ? 'of 129 characters' : JSON.stringify(sku);
      refused.push([`a sku ${shown}`, body({ items: `[${withSku(sku)}]` }), [['/items/0/sku', printable]]]);
    }
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
    const order = { ...newOrder(toOrderRequest(orderBodySchema.parse(read(body({}))))), createdAt: at, updatedAt: at };
    assert.equal(
      JSON.stringify(toOrderBody(order)),
      '{"order_id":"o-1","customer_id":"c-1","status":"pending","total_amount":21,"version":1,' +
        '"items":[{"sku":"A-1","quantity":2,"price":10.5}],"failure_reason":null,' +
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

function withQuantity(quantity: string): string {
  return `{"sku":"A","quantity":${quantity},"price":1}`;
}

function withPrice(price: string): string {
  return `{"sku":"A","quantity":1,"price":${price}}`;
}

function withSku(sku: string): string {
  return `{"sku":${text(sku)},"quantity":1,"price":1}`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
