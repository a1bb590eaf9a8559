import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsLine, exitCodeOf, noCounts, readCounts } from './counts.js';

describe('test counts', () => {
  it('are added up over several runners', () => {
    const directory = mkdtempSync(join(tmpdir(), 'counts-'));
    const file = join(directory, 'counts.jsonl');
    writeFileSync(file, '{"passed":2,"failed":0,"skipped":1}\n{"passed":3,"failed":1,"failures":["why"]}\n');
    assert.deepEqual(readCounts(file), { passed: 5, failed: 1, skipped: 1, failures: ['why'] });
    rmSync(directory, { recursive: true });
  });

  it('are zero if no runner wrote any', () => {
    assert.deepEqual(readCounts('/does/not/exist'), noCounts);
  });

  it('name the skipped tests only if there are any', () => {
    assert.equal(countsLine({ ...noCounts, passed: 2 }), '2 passed, 0 failed');
    assert.equal(countsLine({ ...noCounts, passed: 2, failed: 1, skipped: 3 }), '2 passed, 1 failed, 3 skipped');
  });

  it('mean success only if something ran and nothing failed', () => {
    assert.equal(exitCodeOf({ ...noCounts, passed: 1 }), 0);
    assert.equal(exitCodeOf({ ...noCounts, passed: 1, failed: 1 }), 1);
    assert.equal(exitCodeOf({ ...noCounts, skipped: 5 }), 1);
  });
});
