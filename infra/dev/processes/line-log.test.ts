import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { LineLog } from './line-log.js';

describe('the last lines of a log', () => {
  let directory: string;
  before(() => (directory = mkdtempSync(join(tmpdir(), 'line-log-'))));
  after(() => rmSync(directory, { recursive: true }));

  it('reach a terminal shortened and without control characters, and the file unchanged', async () => {
    const file = join(directory, 'x.log');
    const log = new LineLog(file, 2);
    const hostile = 'a\x1b[2J\x07\x9b1m\u202eb';
    const output = Readable.from([`first\n${hostile}\n${'x'.repeat(10_000)}\n`]);
    log.follow(output);
    await once(output, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    const [heading, second, third] = log.lastLines().split('\n');
    assert.equal(heading, '; its last lines:');
    assert.equal(second, '  | a\\x1b[2J\\x07\\x9b1m\\u{202e}b');
    assert.match(third ?? '', /^ {2}\| x{2000}… \(8000 more characters\)$/);
    assert.equal(readFileSync(file, 'utf8').split('\n')[1], hostile);
  });
});
