import assert from 'node:assert/strict';
import { validationErrorsOf } from '../../../infra/http/validation-errors.js';
import { parseJson } from './json-body.js';
import { orderBodySchema } from './order-schemas.js';

type Field = 'sku' | 'quantity' | 'price';

describe('the item schema', () => {
  describe('accepts', () => {
    const accepted: [Field, string][] = [
      ...['1', '1000000', '2.0', '2e0', '10e-1', '1E6', '0.1e1'].map((value): [Field, string] => ['quantity', value]),
      ...['0', '-0', '-0.0', '0e-99999999999999999999', '0.0001', '1e-4', '1E-4', '100e-6', '0.00001e1'].map(
        (value): [Field, string] => ['price', value],
      ),
      ...['1.500000000', '1e2', '1E+2', '1e+0000000002', '"12.50"', '"007"', '"0.00000"'].map(
        (value): [Field, string] => ['price', value],
      ),
      ['sku', json('x'.repeat(128))],
      ['sku', json('𝔸'.repeat(128))],
      ['sku', json('Größe 42 / rot €')],
    ];
    for (const [field, value] of accepted) {
      it(`a ${field} of ${short(value)}`, () => assert.deepEqual(errorsWith(field, value), []));
    }

    it('different notations of a price as the same price', () => {
      const { items } = orderBodySchema.parse(orderWith(['1.5', '15e-1', '"1.5000"'].map((price) => ({ price }))));
      assert.deepEqual(
        items.map(({ price }) => price.toFixed()),
        ['1.5', '1.5', '1.5'],
      );
    });
  });

  describe('rejects, by JSON pointer,', () => {
    const quantity = /whole number from 1 to 1,000,000/;
    const printable = /1 to 128 printable characters/;
    const rejected: [Field, string[], RegExp][] = [
      ['quantity', ['0', '-1', '1.5', '"2"', '1e7', '1000001', '1.0000000000000000001', '1e999999'], quantity],
      ['quantity', ['1e-400', '1e-9000000000000001', '1e9000000000000001', '-1e99999', '0e5', '10e-2'], quantity],
      ['quantity', ['null', 'true', '[]', '{}'], quantity],
      ['price', ['-1', '-0.01'], /0 or more/],
      ['price', ['0.00001', '1e-5', '1E-5', '15e-5', '1.00001', '0.1e-4', '1e-400'], /at most 4 decimals/],
      ['price', ['1e-99999', '1e-9000000000000001', '1e-99999999999999999999999999'], /at most 4 decimals/],
      ['price', ['"0.00001"', `"0.${'0'.repeat(390)}1"`, '5e-324'], /at most 4 decimals/],
      ['price', ['1234567890123456.7891', '1e400', '1e99999', '1e+99999999999999999999999999'], /more digits/],
      ['price', ['true', 'null', '[]', '{}'], /number, or a string/],
      ['price', ['"NaN"', '"-1"', '"1e3"', '""', '" 1"', '"1,5"', '".5"', '"Infinity"', '"-0"'], /decimal number/],
      ['sku', ['5', 'null', '[]', '{}'], /must be a string/],
      ['sku', [json('x'.repeat(129)), json('𝔸'.repeat(129))], printable],
      ['sku', ['   '].map(json), /must not be blank/],
      ['sku', ['a\nb', 'a\ud800b', '\udc00'].map(json), printable],
    ];
    for (const [field, values, detail] of rejected) {
      for (const value of values) {
        it(`a ${field} of ${short(value)}`, () => {
          const [error, ...others] = errorsWith(field, value);
          assert.equal(error?.pointer, `/items/0/${field}`);
          assert.match(error.detail, detail);
          assert.deepEqual(others, []);
        });
      }
    }

    it('an empty sku', () => {
      for (const { pointer } of errorsWith('sku', '""')) assert.equal(pointer, '/items/0/sku');
      assert.match(errorsWith('sku', '""')[0]?.detail ?? '', printable);
    });

    it('an item without any field, field by field', () => {
      const none = { sku: undefined, quantity: undefined, price: undefined };
      assert.deepEqual(
        errorsOfOrder(orderWith([none])).map(({ pointer }) => pointer),
        ['/items/0/sku', '/items/0/quantity', '/items/0/price'],
      );
    });
  });
});

/** A valid order except for the given fields of its items, each given as JSON; numbers keep their digits. */
function orderWith(items: Partial<Record<Field, string | undefined>>[]): unknown {
  const written = items.map((item) => {
    const fields = Object.entries({ sku: '"A"', quantity: '1', price: '1', ...item });
    return `{${fields.flatMap(([name, value]) => (value === undefined ? [] : [`${json(name)}:${value}`])).join()}}`;
  });
  return parseJson(`{"order_id":"o-1","customer_id":"c-1","items":[${written.join()}]}`);
}

function errorsWith(field: Field, value: string) {
  return errorsOfOrder(orderWith([{ [field]: value }]));
}

function errorsOfOrder(order: unknown) {
  const parsed = orderBodySchema.safeParse(order);
  return parsed.success ? [] : validationErrorsOf(parsed.error);
}

function json(value: string): string {
  return JSON.stringify(value);
}

function short(value: string): string {
  return value.length > 60 ? `${value.slice(0, 4)}... (${Array.from(value).length - 2} characters)` : value;
}
