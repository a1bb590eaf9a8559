import assert from 'node:assert/strict';
import { lineChart } from './plot.js';
import { groupsOverTime, median, spread } from './statistics.js';

// A soak settles more than a million orders, which is more values than a function call takes arguments.
describe('the figures of a long run', () => {
  it('include the median and the spread of a million values, which stay unchanged', () => {
    const values = Array.from({ length: 1_000_000 }, (_, index) => 1_000_000 - index);
    assert.deepEqual(spread(values), { min: 1, max: 1_000_000 });
    assert.equal(median(values), 500_000.5);
    assert.equal(values[0], 1_000_000);
  });

  it('fit into a chart of 300,000 points', () => {
    const points = Array.from({ length: 300_000 }, (_, x) => ({ x, y: x % 7 }));
    assert.match(lineChart('t', 'x', 'y', [{ name: 'a', points }]), /<polyline/);
  });

  it('are grouped by time in their original order, with empty groups where nothing happened', () => {
    const groups = groupsOverTime(['a5', 'b25', 'c7'], (item) => Number(item.slice(1)), 0, 10);
    assert.deepEqual(groups, [['a5', 'c7'], [], ['b25']]);
  });

  it('are NaN for no values at all, so that no target is met', () => {
    assert.deepEqual([median([]), spread([]).min, spread([]).max], [NaN, NaN, NaN]);
  });
});
