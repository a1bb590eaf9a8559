import assert from 'node:assert/strict';
import fc from 'fast-check';
import { median, percentile, rateOverTime, spread } from './statistics.js';

describe('the statistics', () => {
  it('take the middle value as the median, or the mean of the two middle values', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('interpolate a percentile between its neighbours', () => {
    const hundred = Array.from({ length: 101 }, (_, index) => index);
    assert.equal(percentile(hundred, 99), 99);
    assert.equal(percentile([10, 20], 25), 12.5);
    assert.equal(percentile([7], 99), 7);
  });

  it('give percentiles that grow with their share and stay within the values, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { min, max } = spread(values);
        const some = [0, 10, 50, 90, 100].map((share) => percentile(values, share));
        assert.deepEqual([some[0], some[4]], [min, max]);
        assert.deepEqual(
          some,
          [...some].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('give a rate for every step in time, including those in which nothing happened', () => {
    assert.deepEqual(rateOverTime([1000, 1100, 3999, 500], 1000, 1000), [
      { x: 0.5, y: 2 },
      { x: 1.5, y: 0 },
      { x: 2.5, y: 1 },
    ]);
  });
});
