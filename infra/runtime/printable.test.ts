import assert from 'node:assert/strict';
import fc from 'fast-check';
import { printable } from './printable.js';

const escapes: readonly (readonly [name: string, text: string, shown: string])[] = [
  ['NUL', '\0', '\\x00'],
  ['BEL', '\x07', '\\x07'],
  ['a tab', '\t', '\\x09'],
  ['LF', '\n', '\\x0a'],
  ['CR', '\r', '\\x0d'],
  ['ESC, which begins a sequence', '\x1b[2J', '\\x1b[2J'],
  ['DEL', '\x7f', '\\x7f'],
  ['the first C1 control', '\x80', '\\x80'],
  ['CSI as one character', '\x9b31m', '\\x9b31m'],
  ['the last C1 control', '\x9f', '\\x9f'],
  ['a line separator', '\u2028', '\\u{2028}'],
  ['a paragraph separator', '\u2029', '\\u{2029}'],
  ['a zero-width space', '\u200b', '\\u{200b}'],
  ['a byte order mark', '\ufeff', '\\u{feff}'],
  ['half of a surrogate pair', '\ud83d', '\\u{d83d}'],
  ['a tag character', '\u{e0041}', '\\u{e0041}'],
  ...['\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069', '\u200f'].map(
    (bidi): readonly [string, string, string] => {
      const hex = bidi.charCodeAt(0).toString(16);
      return [`the bidirectional U+${hex}`, bidi, `\\u{${hex}}`];
    },
  ),
];

describe('printable text', () => {
  for (const [name, text, shown] of escapes) {
    it(`shows ${name} as its code`, () => assert.equal(printable(`a${text}b`), `a${shown}b`));
  }

  it('leaves all other text as it is', () => {
    for (const text of ['', 'ord-1 order.created', 'Grüße, 東京, 👍🏽', 'a\\b "c"', '  blanks  ']) {
      assert.equal(printable(text), text);
    }
  });

  it('has no character that a terminal acts on, whatever the input', () => {
    const dangerous = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/; // eslint-disable-line no-control-regex -- the pattern looks for them
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(printable(text), dangerous);
      }),
    );
  });

  it('is bounded and says how many characters it omits', () => {
    assert.equal(printable('x'.repeat(30), 20), `${'x'.repeat(20)}… (10 more characters)`);
    assert.equal(printable('x'.repeat(20), 20), 'x'.repeat(20));
  });
});
