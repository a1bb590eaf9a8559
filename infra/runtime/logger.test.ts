import assert from 'node:assert/strict';
import { boundedError } from './logger.js';

describe('what a log line says of an error', () => {
  it('is its type, its message, its stack and its code', () => {
    const error = Object.assign(new TypeError('it broke', { cause: new Error('that was why') }), { code: 'E1' });
    const { stack, ...written } = JSON.parse(JSON.stringify(boundedError(error))) as Record<string, unknown>;
    assert.deepEqual(written, { type: 'TypeError', message: 'it broke: that was why', code: 'E1' });
    assert.match(String(stack), /logger\.test\.ts[^]*caused by: Error: that was why/);
  });

  it('is short, whatever a stranger has made its message of', () => {
    const error = new Error('x'.repeat(5_000_000), { cause: new Error('y'.repeat(5_000_000)) });
    assert.ok(JSON.stringify(boundedError(error)).length < 6000);
  });

  it('is what was thrown, if that is no error', () => {
    assert.equal(boundedError('it broke' as unknown as Error), 'it broke');
  });
});
