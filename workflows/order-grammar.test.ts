import assert from 'node:assert/strict';
import fc from 'fast-check';
import { amountSchema, idSchema, quantitySchema, reasonSchema, skuSchema, versionSchema } from './order-grammar.js';

describe('the order grammar', () => {
  describe('accepts a text', () => {
    const accepted: Record<string, string> = {
      'of one character': 'a',
      'of 128 characters': 'x'.repeat(128),
      'of 128 characters outside the basic plane': '𝔸'.repeat(128),
      'with punctuation and symbols': 'Größe 42 / rot € <b>"\'\\',
      'with spaces around it': ' a\u00a0b\u3000 ',
      'with combining marks': 'e\u0301 \u0e01\u0e49',
      'in Persian, with a non-joiner': 'می\u200cخواهم',
      'in Malayalam, with a joiner': 'ന്\u200dറ',
      'with an emoji that is joined from several': '👩\u200d🚀 👨\u200d👩\u200d👧',
      'with an emoji that has a variation selector before its joiner': '❤\ufe0f\u200d🔥',
      'with a Hangul filler beside a letter': '\u115f\u1161',
    };
    for (const [what, text] of Object.entries(accepted)) {
      it(what, () => assert.equal(errorOf(skuSchema, text), undefined));
    }

    it('that is a reason of up to 1000 characters', () => {
      assert.equal(errorOf(reasonSchema, 'x'.repeat(1000)), undefined);
      assert.match(errorOf(reasonSchema, 'x'.repeat(1001)) ?? 'accepted', /1 to 1000 printable/);
    });
  });

  describe('rejects a text', () => {
    const blank = {
      spaces: ' \t\v\f\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000',
      'zero-width characters': '\u200b\u200c\u200d\u2060\ufeff\u180e\u061c\u200e\u2064',
      'Hangul fillers': '\u3164\u115f\u1160\uffa0',
      'variation selectors and joiners of graphemes': '\ufe00\ufe0f\u{e0100}\u034f\u17b4\u17b5\u180b',
      'symbols that are drawn as nothing': '\u2800\u{1d159}\u{13441}\u{13442}\u{16fe4}',
    };
    for (const [what, characters] of Object.entries(blank)) {
      it(`that consists of ${what}`, () => {
        for (const character of characters) {
          for (const text of [character, ` ${character} `, character.repeat(5), `${character}\u3164\u2800`]) {
            assert.notEqual(errorOf(skuSchema, text), undefined, codesOf(text));
          }
        }
        assert.notEqual(errorOf(skuSchema, characters), undefined);
      });
    }

    const unprintable = {
      'control characters': '\0\u0007\b\t\n\v\f\r\u001b\u007f\u0080\u0085\u009b',
      'line separators': '\u2028\u2029',
      'format characters': '\u00ad\u061c\u200b\u200e\u202a\u202e\u2060\u2066\ufeff\ufff9\u{e0041}',
      'noncharacters and private-use code points': '\ufffe\uffff\ufdd0\u{1ffff}\ue000\u{f0000}',
    };
    for (const [what, characters] of Object.entries(unprintable)) {
      it(`that contains ${what}`, () => {
        for (const character of characters) {
          assert.match(errorOf(skuSchema, `a${character}b`) ?? 'accepted', /printable/, codesOf(character));
        }
      });
    }

    it('that contains a lone surrogate', () => {
      for (const text of ['a\ud800b', '\udc00', 'a\udbff', '\ude00\ud83d']) {
        assert.match(errorOf(skuSchema, text) ?? 'accepted', /printable/);
      }
    });

    it('that contains a joiner that joins nothing', () => {
      for (const joiner of ['\u200c', '\u200d']) {
        const nowhere = [`${joiner}a`, `a${joiner}`, `a ${joiner}b`, `a${joiner} b`, `a${joiner}${joiner}b`];
        for (const text of [...nowhere, `a${joiner}\u3164b`, `\u2800${joiner}a`]) {
          assert.match(errorOf(skuSchema, text) ?? 'accepted', /printable/, codesOf(text));
        }
      }
    });

    it('that is empty, too long or not a string', () => {
      for (const text of ['', 'x'.repeat(129), '𝔸'.repeat(129), 'x'.repeat(10 ** 6)]) {
        assert.match(errorOf(skuSchema, text) ?? 'accepted', /1 to 128 printable/);
      }
      for (const text of [null, 5, [], {}]) assert.match(errorOf(skuSchema, text) ?? 'accepted', /string/);
    });

    it('that is a reason with a terminal sequence', () => {
      assert.match(errorOf(reasonSchema, 'declined\u001b[2J') ?? 'accepted', /printable/);
    });
  });

  describe('for ids', () => {
    for (const id of ['a', 'Az09._:-', 'x'.repeat(128), '...', '.a', 'a.', '..a']) {
      it(`accepts ${JSON.stringify(id.slice(0, 20))}`, () => assert.equal(errorOf(idSchema, id), undefined));
    }
    for (const id of ['', '.', '..', 'x'.repeat(129), 'a b', 'a/b', 'a\n', '\r\na', 'é', 'a\u001b[31m', '％2e']) {
      it(`rejects ${JSON.stringify(id.slice(0, 20))}`, () => assert.notEqual(errorOf(idSchema, id), undefined));
    }
  });

  it('accepts amounts of 0 or more with at most 4 decimals, in every JSON notation', () => {
    for (const amount of [0, -0, 0.0001, 0.1, 12.5, 1e21, 1.5e21, 1.7976931348623157e308, 99999999999.9999]) {
      assert.equal(errorOf(amountSchema, amount), undefined, String(amount));
    }
    for (const amount of [-1, -0.0001, 0.00001, 1e-7, 1.5e-7, 5e-324, 1.00001, NaN, Infinity, '1', null]) {
      assert.notEqual(errorOf(amountSchema, amount), undefined, String(amount));
    }
    const units = fc.maxSafeNat();
    fc.assert(fc.property(units, (count) => assert.equal(errorOf(amountSchema, Number(`${count}e-4`)), undefined)));
  });

  it('accepts whole quantities up to a million and versions that fit the database column', () => {
    for (const quantity of [1, 1_000_000]) assert.equal(errorOf(quantitySchema, quantity), undefined);
    for (const quantity of [0, -1, 1.5, 1_000_001, 1e21, '1', NaN]) {
      assert.notEqual(errorOf(quantitySchema, quantity), undefined, String(quantity));
    }
    for (const version of [1, 2 ** 31 - 1]) assert.equal(errorOf(versionSchema, version), undefined);
    for (const version of [0, 2 ** 31, 1.5, '1']) assert.notEqual(errorOf(versionSchema, version), undefined);
  });
});

interface Schema {
  safeParse(value: unknown): { success: boolean; error?: { issues: { message: string }[] } | undefined };
}

function errorOf(schema: Schema, value: unknown): string | undefined {
  return schema.safeParse(value).error?.issues[0]?.message;
}

function codesOf(text: string): string {
  return Array.from(text, (character) => `U+${character.codePointAt(0)?.toString(16) ?? ''}`).join(' ');
}
