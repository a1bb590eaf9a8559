import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkDelayMs, durationOf } from './check-delay.js';

describe('the delay before a workflow checks by itself', () => {
  it('doubles with each check that finds nothing new, up to an hour', () => {
    const delays = [0, 1, 2, 6, 7, 100].map((checks) => checkDelayMs(30_000, checks, 0.5));
    assert.deepEqual(delays, [30_000, 60_000, 120_000, 1_920_000, 3_600_000, 3_600_000]);
  });

  it('is the configured time when that is more than an hour', () => {
    assert.equal(checkDelayMs(7_200_000, 5, 0.5), 7_200_000);
  });

  it('has a jitter of 20 % in either direction and always exceeds half of the configured time', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.double({ min: 0, max: 0.999, noNaN: true }), (checks, random) => {
        const [delay, middle] = [checkDelayMs(30_000, checks, random), checkDelayMs(30_000, checks, 0.5)];
        assert.ok(delay >= middle * 0.799 && delay <= middle * 1.201 && delay > 15_000);
      }),
    );
  });

  it('is displayed in a suitable unit', () => {
    assert.deepEqual([300, 30_000, 240_000, 7_200_000].map(durationOf), ['300 ms', '30 s', '4 min', '2 h']);
  });
});
