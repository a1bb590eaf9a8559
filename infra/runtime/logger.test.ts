import assert from 'node:assert/strict';
import { boundedError } from './logger.js';

describe('an error in a log line', () => {
  it('has its type, message, stack and code', () => {
    const error = Object.assign(new TypeError('it broke', { cause: new Error('the reason') }), { code: 'E1' });
    const { stack, ...written } = JSON.parse(JSON.stringify(boundedError(error))) as Record<string, unknown>;
    assert.deepEqual(written, { type: 'TypeError', message: 'it broke: the reason', code: 'E1' });
    assert.match(String(stack), /logger\.test\.ts[^]*caused by: Error: the reason/);
  });

  it('is short, however long its message is', () => {
    const error = new Error('x'.repeat(5_000_000), { cause: new Error('y'.repeat(5_000_000)) });
    assert.ok(JSON.stringify(boundedError(error)).length < 6000);
  });

  it('is the thrown value itself when that is not an error', () => {
    assert.equal(boundedError('it broke' as unknown as Error), 'it broke');
  });
});
