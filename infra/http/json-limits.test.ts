import assert from 'node:assert/strict';
import { exceededJsonLimit } from './json-limits.js';

const items = (count: number, item: string): string => `{"items":[${Array(count).fill(item).join()}]}`;
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('the JSON limits', () => {
  const within: Record<string, string> = {
    'an order of 100 items, formatted over several lines': JSON.stringify(
      { order_id: 'o', customer_id: 'c', items: Array(100).fill({ sku: 'a', quantity: 1, price: 1.5 }) },
      undefined,
      4,
    ),
    'braces, brackets, commas and digits in a string': `"${'{[,'.repeat(5000)}${'9'.repeat(500)}"`,
    'an escaped quote before brackets': `{"a":"\\"${'[,'.repeat(5000)}","b":"\\\\","c":"\\\\\\"${'{'.repeat(50)}"}`,
    '998 values in an array': items(998, '0'),
    '50 values of depth 8 in a row': `[${Array(50).fill(nested(7)).join()}]`,
    'a number of 100 characters': `[${'1'.repeat(100)},-1]`,
    'an empty text': '',
    'an unterminated string': '"[[[[[[[[[[',
  };
  for (const [what, text] of Object.entries(within)) {
    it(`allow ${what}`, () => assert.equal(exceededJsonLimit(text), undefined));
  }

  const beyond: [string, string, string][] = [
    ['32,000 numbers', items(32_000, '0'), 'values'],
    ['999 values in an array', items(999, '0'), 'values'],
    ['a thousand empty objects', items(1000, '{}'), 'values'],
    ['five hundred pairs of nested arrays', items(500, '[[]]'), 'values'],
    ['1,001 keys', `{${Array.from({ length: 1001 }, (_, key) => `"${key}":""`).join()}}`, 'values'],
    ['nothing but commas', ','.repeat(60_000), 'values'],
    ['a depth of 9', nested(9), 'depth'],
    ['a depth of 9 in objects', '{"a":'.repeat(9), 'depth'],
    ['nothing but opening brackets', '['.repeat(60_000), 'depth'],
    ['a number of 101 characters', `[${'1'.repeat(101)}]`, 'number length'],
    ['a number with a long exponent', `1e${'0'.repeat(60_000)}1`, 'number length'],
    ['a number with many decimals', `0.${'0'.repeat(200)}1`, 'number length'],
  ];
  for (const [what, text, limit] of beyond) {
    it(`refuse ${what}`, () => assert.equal(exceededJsonLimit(text), limit));
  }
});
