import assert from 'node:assert/strict';
import fc from 'fast-check';
import { problemWithJsonNumber, problemWithPrice, parseAmount, totalOf, type Amount } from './money.js';

describe('money', () => {
  describe('an amount', () => {
    it('keeps the exact value of every decimal notation', () => {
      fc.assert(
        fc.property(decimalText, (text) => {
          assert.deepEqual(exactly(amountOf(text).toFixed()), exactly(text));
        }),
      );
    });

    it('is the same amount after it is printed and parsed again', () => {
      fc.assert(
        fc.property(decimalText, (text) => {
          const amount = amountOf(text);
          assert.ok(amountOf(amount.toString()).equals(amount));
        }),
      );
    });

    for (const text of ['1e3', '1E3', '1e+3', '1.0e3', '10000e-1', '1000', '1000.0000', '0001000', '1e+00000003']) {
      it(`of one thousand can be written as ${text}`, () => {
        assert.equal(amountOf(text).toFixed(), '1000');
      });
    }

    for (const text of [
      '-0',
      '-0.0',
      '-0e5',
      '0',
      '0.0000',
      '0e-9999',
      '-0e9999',
      '0e-99999999999999999999',
      '0.0e99999999999999999999',
    ]) {
      it(`is plain zero when it is written as ${text}`, () => {
        const amount = amountOf(text);
        assert.ok(Object.is(amount.toNumber(), 0));
        assert.equal(amount.isNegative(), false);
      });
    }

    for (const text of [
      '',
      ' 1',
      '1 ',
      '1.',
      '.5',
      '+1',
      '--1',
      '1,5',
      '0x10',
      'NaN',
      'Infinity',
      '1e',
      '1e1.5',
      '1_0',
    ]) {
      it(`cannot be written as ${JSON.stringify(text)}`, () => {
        assert.equal(parseAmount(text), undefined);
      });
    }

    it('keeps up to 400 digits and cannot have more', () => {
      const digits = '123456789'.padEnd(400, '7');
      assert.equal(amountOf(digits).toFixed(), digits);
      assert.equal(amountOf(`0.${digits}`).toFixed(), `0.${digits}`);
      assert.equal(parseAmount(`${digits}1`), undefined);
      assert.equal(parseAmount(`0.${digits}1`), undefined);
    });
  });

  describe('a price', () => {
    const rejected: [string, RegExp][] = [
      ['-1', /0 or more/],
      ['-0.0001', /0 or more/],
      ['0.00001', /at most 4 decimals/],
      ['1e-5', /at most 4 decimals/],
      ['1e-400', /at most 4 decimals/],
      ['1e-9999', /at most 4 decimals/],
      ['1e-10000', /at most 4 decimals/],
      ['1e-9000000000000001', /at most 4 decimals/],
      ['1.5E-99999999999999999999999', /at most 4 decimals/],
      [`0.${'0'.repeat(399)}1`, /at most 4 decimals/],
      ['-1e-9000000000000001', /0 or more/],
      ['-1e9000000000000001', /0 or more/],
      ['12345678901234567890', /more digits/],
      ['1000000000000000.0001', /more digits/],
      ['9007199254740993', /more digits/],
      ['1e309', /more digits/],
      ['1e9999', /more digits/],
      ['1e10000', /more digits/],
      ['1e+9000000000000001', /more digits/],
    ];
    for (const [text, problem] of rejected) {
      it(`of ${text} is rejected with the message "${problem.source}"`, () => {
        assert.match(problemWithPrice(amountOf(text)) ?? 'accepted', problem);
      });
    }

    for (const text of [
      '0',
      '-0',
      '0.0001',
      '1e-4',
      '0.10000000',
      '999999999.9999',
      '1e21',
      '1.7976931348623157e308',
    ]) {
      it(`of ${text} is accepted`, () => {
        assert.equal(problemWithPrice(amountOf(text)), undefined);
      });
    }

    it('is accepted if and only if it is 0 or more, has at most 4 decimals, and JSON prints it exactly', () => {
      fc.assert(
        fc.property(signedDecimalText, (text) => {
          const { digits, exponent } = exactly(text);
          const printed = JSON.stringify(Number(text));
          const prints = printed !== 'null' && same(printed, text);
          const good = digits >= 0n && exponent >= -4 && prints;
          assert.equal(problemWithPrice(amountOf(text)) === undefined, good);
        }),
        { numRuns: 500 },
      );
    });
  });

  describe('a total', () => {
    it('is exact: 3 x 0.1 is 0.3', () => {
      const total = totalOf([{ price: amountOf('0.1'), quantity: 3 }]);
      assert.equal(JSON.stringify(total.toNumber()), '0.3');
    });

    it('equals the sum in whole ten-thousandths for all prices and quantities', () => {
      const item = fc.record({
        units: fc.bigInt({ min: 0n, max: 10n ** 320n }),
        quantity: fc.integer({ min: 1, max: 1_000_000 }),
      });
      fc.assert(
        fc.property(fc.array(item, { maxLength: 100 }), (items) => {
          const reference = items.reduce((sum, { units, quantity }) => sum + units * BigInt(quantity), 0n);
          const total = totalOf(items.map(({ units, quantity }) => ({ price: amountOf(inUnits(units)), quantity })));
          assert.equal(total.toFixed(4), inUnits(reference));
        }),
      );
    });

    it('is accepted if and only if JSON prints it exactly', () => {
      const item = fc.record({
        units: fc.bigInt({ min: 0n, max: 10n ** 13n }),
        quantity: fc.integer({ min: 1, max: 1_000_000 }),
      });
      fc.assert(
        fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (items) => {
          const reference = inUnits(items.reduce((sum, entry) => sum + entry.units * BigInt(entry.quantity), 0n));
          const total = totalOf(items.map(({ units, quantity }) => ({ price: amountOf(inUnits(units)), quantity })));
          const printed = JSON.stringify(total.toNumber());
          assert.equal(problemWithJsonNumber(total) === undefined, same(printed, reference));
        }),
      );
    });

    it('of no items is 0', () => {
      assert.equal(totalOf([]).toNumber(), 0);
    });
  });
});

const decimalText = fc
  .tuple(fc.stringMatching(/^\d{1,25}$/), fc.stringMatching(/^\d{0,6}$/), fc.option(fc.integer({ min: -30, max: 330 })))
  .map(
    ([whole, fraction, exponent]) => whole + (fraction && `.${fraction}`) + (exponent === null ? '' : `e${exponent}`),
  );

const plausiblePrice = fc
  .tuple(fc.nat(10 ** 9), fc.stringMatching(/^\d{1,5}$/))
  .map(([whole, decimals]) => `${whole}.${decimals}`);

const signedDecimalText = fc
  .tuple(fc.constantFrom('', '', '', '-'), fc.oneof(decimalText, plausiblePrice))
  .map(([sign, text]) => sign + text);

function amountOf(text: string): Amount {
  const amount = parseAmount(text);
  assert.ok(amount, `${text} should be an amount`);
  return amount;
}

/** Writes a number of ten-thousandths in decimal notation. */
function inUnits(units: bigint): string {
  const digits = units.toString().padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

/** Parses a decimal into digits x 10^exponent without trailing zeros; uses integers only, and not decimal.js. */
function exactly(text: string): { digits: bigint; exponent: number } {
  const [mantissa = '', power = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  let digits = BigInt(whole.replace('-', '') + fraction);
  let exponent = Number(power) - fraction.length;
  if (digits === 0n) return { digits, exponent: 0 };
  for (; digits % 10n === 0n; exponent += 1) digits /= 10n;
  return { digits: whole.startsWith('-') ? -digits : digits, exponent };
}

function same(a: string, b: string): boolean {
  const [left, right] = [exactly(a), exactly(b)];
  return left.digits === right.digits && left.exponent === right.exponent;
}
