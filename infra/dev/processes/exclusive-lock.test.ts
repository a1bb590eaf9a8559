import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLock, processIdentity } from './exclusive-lock.mjs';

describe('an exclusive lock', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'exclusive-lock-'));
    file = join(directory, 'below', 'lock');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is refused while a living process holds it, with its pid', async () => {
    await acquireLock(file);
    await assert.rejects(acquireLock(file), { heldBy: process.pid });
  });

  it('is taken over from a dead process', async () => {
    const release = await acquireLock(file);
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(file, JSON.stringify({ pid, identity: 'whatever' }));
    await acquireLock(file);
    release();
  });

  it('is taken over when another process has the pid by now', async () => {
    await acquireLock(file);
    writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'started at another time' }));
    await acquireLock(file);
  });

  it('goes to one after the other when both are willing to wait', async () => {
    const release = await acquireLock(file);
    const waiting: (number | undefined)[] = [];
    const second = acquireLock(file, { waitMs: 5_000, onWait: (pid) => waiting.push(pid) });
    setTimeout(release, 300);
    (await second)();
    assert.deepEqual(waiting, [process.pid]);
  });

  it('leaves no file behind when it is given back', async () => {
    const release = await acquireLock(file);
    assert.ok(existsSync(file));
    release();
    assert.deepEqual(readdirSync(join(directory, 'below')), []);
  });

  it('a process that has ended has no identity', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    assert.equal(processIdentity(pid), undefined);
    assert.ok(processIdentity(process.pid) !== undefined);
  });
});
