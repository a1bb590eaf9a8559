import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeLines } from './log-scan.js';

describe('the scan of a log', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'log-scan-'));
    file = join(directory, 'log');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('finds the lines that match and leaves the file empty', () => {
    appendFileSync(file, 'fine\n{"err":"RESOURCE_EXHAUSTED"}\nfine\n');
    assert.deepEqual(takeLines(file, /RESOURCE_EXHAUSTED/), ['{"err":"RESOURCE_EXHAUSTED"}']);
    assert.equal(statSync(file).size, 0);
  });

  it('finds each line once, however often it runs', () => {
    appendFileSync(file, 'bad 1\n');
    assert.deepEqual(takeLines(file, /bad/), ['bad 1']);
    appendFileSync(file, 'bad 2\n');
    assert.deepEqual(takeLines(file, /bad/), ['bad 2']);
  });

  it('finds a line that spans two pieces, and an unfinished last line', () => {
    appendFileSync(file, `${'x'.repeat(4 * 2 ** 20 - 2)}\nbad line\nbad end`);
    assert.deepEqual(takeLines(file, /bad/), ['bad line', 'bad end']);
  });
});
