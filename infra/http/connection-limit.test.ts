import assert from 'node:assert/strict';
import { connectionLimit } from './connection-limit.js';

describe('the connection limit', () => {
  const limits: [wanted: number, descriptors: number, expected: number][] = [
    [5000, Infinity, 5000],
    [5000, 1_048_576, 5000],
    [5000, 5500, 5000],
    [5000, 5000, 4500],
    [5000, 2000, 1500],
    [5000, 1024, 768],
    [5000, 200, 150],
    [10, 1024, 10],
    [5000, 1, 1],
  ];
  for (const [wanted, descriptors, expected] of limits) {
    it(`is ${expected} when ${wanted} connections are wanted and the process has ${descriptors} descriptors`, () =>
      assert.equal(connectionLimit(wanted, descriptors), expected));
  }

  it('stays below the descriptor limit of this process, however many connections are wanted', () => {
    const limit = connectionLimit(Number.MAX_SAFE_INTEGER);
    const { userLimits } = process.report.getReport() as { userLimits?: { open_files: { soft: number | string } } };
    if (typeof userLimits?.open_files.soft === 'number') assert.ok(limit < userLimits.open_files.soft);
  });
});
