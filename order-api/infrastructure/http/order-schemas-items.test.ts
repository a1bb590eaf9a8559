import assert from 'node:assert/strict';
import { Decimal } from 'decimal.js';
import { parse } from 'lossless-json';
import { faultsOf, orderBodySchema } from './order-schemas.js';

type Field = 'sku' | 'quantity' | 'price';

describe('order schemas, the items', () => {
  describe('take', () => {
    const taken: [Field, string][] = [
      ...['1', '1000000', '2.0', '2e0'].map((value): [Field, string] => ['quantity', value]),
      ...['0', '-0', '0.0001', '1e-4', '1.500000000', '"12.50"', '"007"'].map((value): [Field, string] => [
        'price',
        value,
      ]),
      ['sku', json('x'.repeat(128))],
      ['sku', json('𝔸'.repeat(128))],
      ['sku', json('Größe 42 / rot €')],
    ];
    for (const [field, value] of taken) {
      it(`a ${field} of ${short(value)}`, () => assert.deepEqual(faultsWith(field, value), []));
    }

    it('prices that are written differently as the same', () => {
      const { items } = orderBodySchema.parse(orderWith(['1.5', '15e-1', '"1.5000"'].map((price) => ({ price }))));
      assert.deepEqual(
        items.map(({ price }) => price.toFixed()),
        ['1.5', '1.5', '1.5'],
      );
    });
  });

  describe('refuse, by JSON pointer,', () => {
    const quantity = /whole number from 1 to 1,000,000/;
    const printable = /1 to 128 printable characters/;
    const refused: [Field, string[], RegExp][] = [
      ['quantity', ['0', '-1', '1.5', '"2"', '1e7', '1000001', '1.0000000000000000001', '1e999999'], quantity],
      ['quantity', ['null', 'true', '[]', '{}'], quantity],
      ['price', ['-1', '-0.01'], /0 or more/],
      ['price', ['0.00001', '1e-5'], /at most 4 decimals/],
      ['price', ['1234567890123456.7891', '1e400'], /more digits/],
      ['price', ['true', 'null', '[]', '{}'], /number, or a string/],
      ['price', ['"NaN"', '"-1"', '"1e3"', '""', '" 1"', '"1,5"', '".5"', '"Infinity"', '1e99999'], /decimal number/],
      ['sku', ['5', 'null', '[]', '{}'], /must be a string/],
      ['sku', ['"   "'], /must not be blank/],
      ['sku', [json('x'.repeat(129)), json('𝔸'.repeat(129))], printable],
      ['sku', ['a\u0000b', 'a\nb', 'a\tb', 'a\u007fb', 'a\u0085b', 'a\u2028b', 'a\u2029b'].map(json), printable],
      ['sku', ['a\u200bb', 'a\ufeffb', 'a\u202eb', 'a\ud800b', '\udc00'].map(json), printable],
    ];
    for (const [field, values, detail] of refused) {
      for (const value of values) {
        it(`a ${field} of ${short(value)}`, () => {
          const [fault, ...others] = faultsWith(field, value);
          assert.equal(fault?.pointer, `/items/0/${field}`);
          assert.match(fault.detail, detail);
          assert.deepEqual(others, []);
        });
      }
    }

    it('an empty sku', () => {
      for (const { pointer } of faultsWith('sku', '""')) assert.equal(pointer, '/items/0/sku');
      assert.match(faultsWith('sku', '""')[0]?.detail ?? '', printable);
    });

    it('an item without anything, field by field', () => {
      const none = { sku: undefined, quantity: undefined, price: undefined };
      assert.deepEqual(
        faultsOfOrder(orderWith([none])).map(({ pointer }) => pointer),
        ['/items/0/sku', '/items/0/quantity', '/items/0/price'],
      );
    });
  });
});

/** A good order but for the given fields of its items, each given as JSON; its numbers are the decimals written. */
function orderWith(items: Partial<Record<Field, string | undefined>>[]): unknown {
  const written = items.map((item) => {
    const fields = Object.entries({ sku: '"A"', quantity: '1', price: '1', ...item });
    return `{${fields.flatMap(([name, value]) => (value === undefined ? [] : [`${json(name)}:${value}`])).join()}}`;
  });
  const body = `{"order_id":"o-1","customer_id":"c-1","items":[${written.join()}]}`;
  return parse(body, undefined, (digits) => new Decimal(digits));
}

function faultsWith(field: Field, value: string) {
  return faultsOfOrder(orderWith([{ [field]: value }]));
}

function faultsOfOrder(order: unknown) {
  const parsed = orderBodySchema.safeParse(order);
  return parsed.success ? [] : faultsOf(parsed.error);
}

function json(value: string): string {
  return JSON.stringify(value);
}

function short(value: string): string {
  return value.length > 60 ? `${value.slice(0, 4)}... (${Array.from(value).length - 2} characters)` : value;
}
