import assert from 'node:assert/strict';
import { consoleLine } from './console-line.js';

describe('a log line on the console', () => {
  it('shows level, program, message and order', () => {
    const line = consoleLine('order-api', '{"level":30,"time":0,"pid":7,"msg":"order placed","order_id":"o-1"}');
    assert.match(line, /^\d\d:\d\d:\d\d INFO +order-api +order placed order_id=o-1$/);
  });

  it('shows the message of an error', () => {
    const line = consoleLine('processor', '{"level":50,"time":0,"msg":"publish failed","err":{"message":"timeout"}}');
    assert.match(line, /ERROR +processor +publish failed \(timeout\)$/);
  });

  it('that is no JSON is shown as it is', () => {
    assert.match(consoleLine('processor', 'Error: no such file'), /processor {2}Error: no such file$/);
    assert.match(consoleLine('processor', '{ not json'), /processor {2}\{ not json$/);
  });
});
