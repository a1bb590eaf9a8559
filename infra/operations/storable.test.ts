import assert from 'node:assert/strict';
import { storable, storableText } from './storable.js';

describe('what is kept of a message', () => {
  const cases: readonly (readonly [what: string, value: unknown, kept: unknown])[] = [
    ['a text with NUL', 'a\0b', 'a\\u0000b'],
    ['a text with half of a surrogate pair', 'a\ud83d', 'a\\ud83d'],
    ['a text with a whole surrogate pair', '👍', '👍'],
    ['a name with NUL', { 'a\0': { b: ['\0'] } }, { 'a\\u0000': { b: ['\\u0000'] } }],
    ['bytes', { x: Buffer.from([0, 255]) }, { x: { base64: 'AP8=' } }],
    ['an integer beyond those of JSON', 2n ** 63n, '9223372036854775808'],
    ['no number', [NaN, Infinity], ['NaN', 'Infinity']],
    ['nothing', [null, undefined, true, 1.5], [null, undefined, true, 1.5]],
  ];
  for (const [what, value, kept] of cases) {
    it(`is ${what}, in a form that Postgres takes`, () => assert.deepEqual(storable(value), kept));
  }

  it('ends where nesting would exhaust the stack', () => {
    let nested: unknown = 'x';
    for (let level = 0; level < 100_000; level += 1) nested = [nested];
    assert.match(JSON.stringify(storable(nested)), /^\[{50}"\(nested too deeply to be kept\)"\]{50}$/);
  });

  it('is unchanged where there is nothing to spell out', () => {
    assert.equal(storableText('order.created ord-1 \u202e\x1b'), 'order.created ord-1 \u202e\x1b');
  });
});
