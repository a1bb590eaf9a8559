import assert from 'node:assert/strict';
import { consoleLine } from './console-line.js';

describe('a log line on the console', () => {
  it('shows its level, program, message and order', () => {
    const line = consoleLine('order-api', '{"level":30,"time":0,"pid":7,"msg":"order placed","order_id":"o-1"}');
    assert.match(line, /^\[\d\d:\d\d:\d\d\] INFO: order-api order placed order_id=o-1$/);
  });

  it('shows the message of an error', () => {
    const line = consoleLine('processor', '{"level":50,"time":0,"msg":"publish failed","err":{"message":"timeout"}}');
    assert.match(line, /ERROR: processor publish failed \(timeout\)$/);
  });

  it('is shown unchanged if it is not JSON', () => {
    assert.match(consoleLine('processor', 'Error: no such file'), /processor {2}Error: no such file$/);
    assert.match(consoleLine('processor', '{ not json'), /processor {2}\{ not json$/);
  });

  const hostile = {
    'a sequence that clears the screen': '\x1b[2J\x1b[31mOWNED',
    'a sequence that sets the title, and a bell': '\x1b]0;title\x07',
    'a forged line': 'x\r\nreplayed all',
    'one-character sequences': '\x9b2J\x9d0;title\x9c',
    'characters that reverse the text': '\u202egnp.exe\u2066',
    'line separators': 'x\u2028y\u2029z',
  };
  // eslint-disable-next-line no-control-regex -- the test looks for control characters
  const dangerous = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;
  for (const [name, text] of Object.entries(hostile)) {
    it(`sends no control character to the terminal if it contains ${name}`, () => {
      const entry = { level: 'info', time: 0, msg: text, order_id: text, err: { message: `${text}!` } };
      for (const line of [JSON.stringify(entry), JSON.stringify({ ...entry, level: text, msg: { text } }), text]) {
        assert.doesNotMatch(consoleLine('processor', line), dangerous);
      }
    });
  }

  it('is shortened if its message is too long', () => {
    const line = consoleLine('processor', JSON.stringify({ level: 'info', time: 0, msg: 'x'.repeat(1_000_000) }));
    assert.match(line, /^.{2000}… \(\d+ more characters\)$/);
  });
});
