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

  it('is refused with the pid of the process that holds it', async () => {
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

  it('is taken over if the pid of its holder now belongs to another process', async () => {
    await acquireLock(file);
    writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'started at another time' }));
    await acquireLock(file);
  });

  it('goes to a waiting caller as soon as it is released', async () => {
    const release = await acquireLock(file);
    const waiting: (number | undefined)[] = [];
    const second = acquireLock(file, { waitMs: 5_000, onWait: (pid) => waiting.push(pid) });
    setTimeout(release, 300);
    (await second)();
    assert.deepEqual(waiting, [process.pid]);
  });

  it('leaves no file behind when it is released', async () => {
    const release = await acquireLock(file);
    assert.ok(existsSync(file));
    release();
    assert.deepEqual(readdirSync(join(directory, 'below')), []);
  });

  it('sees no identity for a process that has exited', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    assert.equal(processIdentity(pid), undefined);
    assert.ok(processIdentity(process.pid) !== undefined);
  });
});
