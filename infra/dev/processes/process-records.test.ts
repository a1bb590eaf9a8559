import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processIdentity } from './exclusive-lock.mjs';
import { forgetProcess, killLeftovers, recordProcess } from './process-records.js';
import { serverDirectoryVariable } from './process-tree.js';

describe('a process that a killed run left behind', () => {
  let directory: string;
  let run: string;
  let children: ChildProcess[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'process-records-'));
    run = join(directory, 'run');
    children = [];
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  async function sleeper(env: NodeJS.ProcessEnv = process.env): Promise<number> {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore', env });
    children.push(child);
    await once(child, 'spawn');
    assert.ok(child.pid !== undefined);
    return child.pid;
  }

  it('is killed and named', async () => {
    const pid = await sleeper();
    recordProcess(run, 'Sleeper', pid);
    assert.deepEqual(await killLeftovers(directory, run), [`Sleeper (process ${pid})`]);
    assert.equal(processIdentity(pid), undefined);
    assert.deepEqual(readdirSync(run), []);
  });

  it('is left alone if its pid now belongs to another process', async () => {
    const pid = await sleeper();
    recordProcess(run, 'Sleeper', pid);
    const [file = ''] = readdirSync(run);
    writeFileSync(join(run, file), JSON.stringify({ name: 'Sleeper', pid, identity: 'started at another time' }));
    assert.deepEqual(await killLeftovers(directory, run), []);
    assert.ok(processIdentity(pid) !== undefined);
  });

  it('is found by its mark if it has no record', async function () {
    if (process.platform !== 'linux') this.skip();
    const pid = await sleeper({ ...process.env, [serverDirectoryVariable]: directory });
    await killLeftovers(directory, run);
    assert.equal(processIdentity(pid), undefined);
  });

  it('is left alone once its record is removed', async () => {
    const pid = await sleeper();
    recordProcess(run, 'Sleeper', pid);
    forgetProcess(run, 'Sleeper');
    assert.deepEqual(await killLeftovers(directory, run), []);
    assert.ok(processIdentity(pid) !== undefined);
  });
});
