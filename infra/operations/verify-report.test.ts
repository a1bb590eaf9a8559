import assert from 'node:assert/strict';
import { linesOfResults } from './verify-report.js';

describe('the report of verify', () => {
  const sound = { id: 'I2', title: 'it holds', checked: 3, violations: [], violationCount: 0 };

  it('has one line for each invariant and one for all of them', () => {
    assert.deepEqual(linesOfResults([sound]), ['ok   I2   it holds: 3 checked, 0 violations', 'every invariant holds']);
  });

  it('names the violations that are shown and counts the rest', () => {
    const violated = {
      ...sound,
      id: 'I9',
      violationCount: 3,
      violations: [{ subject: 'ord-1', problem: 'it is lost' }],
    };
    assert.deepEqual(linesOfResults([sound, violated]), [
      'ok   I2   it holds: 3 checked, 0 violations',
      'FAIL I9   it holds: 3 checked, 3 violations',
      '            ord-1: it is lost',
      '            and 2 more',
      'violated: I9',
    ]);
  });

  it('prints no control character and no extra line for an id or a problem that contains them', () => {
    const text = 'ord\x1b[2J\r\nok   I1\x07\x9b1m\u202e\u2028';
    const lines = linesOfResults([{ ...sound, violationCount: 1, violations: [{ subject: text, problem: text }] }]);
    assert.equal(lines.length, 3);
    const shown = 'ord\\x1b[2J\\x0d\\x0aok   I1\\x07\\x9b1m\\u{202e}\\u{2028}';
    assert.equal(lines[1], `            ${shown}: ${shown}`);
  });
});
