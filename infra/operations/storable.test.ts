import assert from 'node:assert/strict';
import { storable, storableText } from './storable.js';

describe('recorded message content', () => {
  const cases: readonly (readonly [what: string, value: unknown, kept: unknown])[] = [
    ['a text with NUL', 'a\0b', 'a\\u0000b'],
    ['a text with half a surrogate pair', 'a\ud83d', 'a\\ud83d'],
    ['a text with a whole surrogate pair', '👍', '👍'],
    ['a key with NUL', { 'a\0': { b: ['\0'] } }, { 'a\\u0000': { b: ['\\u0000'] } }],
    ['bytes', { x: Buffer.from([0, 255]) }, { x: { base64: 'AP8=' } }],
    ['an integer too large for a JSON number', 2n ** 63n, '9223372036854775808'],
    ['numbers that JSON does not have', [NaN, Infinity], ['NaN', 'Infinity']],
    ['null, undefined, booleans and numbers', [null, undefined, true, 1.5], [null, undefined, true, 1.5]],
  ];
  for (const [what, value, kept] of cases) {
    it(`includes ${what} in a form that Postgres accepts`, () => assert.deepEqual(storable(value), kept));
  }

  it('is cut off where deep nesting would exhaust the stack', () => {
    let nested: unknown = 'x';
    for (let level = 0; level < 100_000; level += 1) nested = [nested];
    assert.match(JSON.stringify(storable(nested)), /^\[{50}"\(nested too deeply to be kept\)"\]{50}$/);
  });

  it('is unchanged when there is nothing to escape', () => {
    assert.equal(storableText('order.created ord-1 \u202e\x1b'), 'order.created ord-1 \u202e\x1b');
  });
});
