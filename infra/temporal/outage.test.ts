import assert from 'node:assert/strict';
import { isTemporalOutage, TemporalUnavailable } from './outage.js';

describe('a Temporal outage', () => {
  const outageStatuses = {
    cancelled: 1,
    'deadline exceeded': 4,
    'permission denied, for a login without the permission': 7,
    'resource exhausted': 8,
    aborted: 10,
    unavailable: 14,
    'unauthenticated, for a login that is refused': 16,
  };
  for (const [meaning, code] of Object.entries(outageStatuses)) {
    it(`is gRPC status ${code}, ${meaning}`, () => assert.equal(isTemporalOutage(grpcError(code)), true));
  }

  const otherStatuses = {
    unknown: 2,
    'invalid argument': 3,
    'not found': 5,
    'already exists': 6,
    'failed precondition': 9,
    'out of range': 11,
    unimplemented: 12,
    internal: 13,
  };
  for (const [meaning, code] of Object.entries(otherStatuses)) {
    it(`is not gRPC status ${code}, ${meaning}`, () => assert.equal(isTemporalOutage(grpcError(code)), false));
  }

  it('is recognized inside the errors that wrap it', () => {
    const wrapped = new Error('the workflow could not be started', { cause: grpcError(16) });
    assert.equal(isTemporalOutage(wrapped), true);
    assert.equal(isTemporalOutage(new TemporalUnavailable('not connected')), true);
  });

  it('is not any other error', () => {
    for (const error of [new Error('it broke'), new TypeError('x is undefined'), 'unavailable', undefined, null]) {
      assert.equal(isTemporalOutage(error), false);
    }
  });
});

function grpcError(code: number): Error {
  return Object.assign(new Error('the call failed'), { code });
}
