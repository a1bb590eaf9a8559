import assert from 'node:assert/strict';
import { linesOfVerdicts } from './verify-report.js';

describe('what the checker prints', () => {
  const sound = { id: 'I2', title: 'it holds', checked: 3, offending: [], faults: 0 };

  it('is a line for each invariant, and one for all of them', () => {
    assert.deepEqual(linesOfVerdicts([sound]), ['ok   I2   it holds: 3 checked, 0 at fault', 'every invariant holds']);
  });

  it('names what is at fault, as far as it is shown', () => {
    const broken = { ...sound, id: 'I9', faults: 3, offending: [{ subject: 'ord-1', fault: 'it is lost' }] };
    assert.deepEqual(linesOfVerdicts([sound, broken]), [
      'ok   I2   it holds: 3 checked, 0 at fault',
      'FAIL I9   it holds: 3 checked, 3 at fault',
      '            ord-1: it is lost',
      '            and 2 more',
      'broken: I9',
    ]);
  });

  it('brings no control character to the terminal, and no line of its own', () => {
    const text = 'ord\x1b[2J\r\nok   I1\x07\x9b1m\u202e\u2028';
    const lines = linesOfVerdicts([{ ...sound, faults: 1, offending: [{ subject: text, fault: text }] }]);
    assert.equal(lines.length, 3);
    const shown = 'ord\\x1b[2J\\x0d\\x0aok   I1\\x07\\x9b1m\\u{202e}\\u{2028}';
    assert.equal(lines[1], `            ${shown}: ${shown}`);
  });
});
