import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processIdentity } from './exclusive-lock.mjs';
import { ManagedProcess, type ManagedProcessOptions } from './managed-process.js';

describe('a managed process', () => {
  let directory: string;
  let reports: string[];
  let processes: ManagedProcess[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'managed-process-'));
    reports = [];
    processes = [];
  });

  afterEach(async () => {
    await Promise.all(processes.map((each) => each.kill()));
    rmSync(directory, { recursive: true, force: true });
  });

  /** A Node program that runs `body` and then writes "up" to the file `up`. */
  function managed(body: string, options: Partial<ManagedProcessOptions> = {}): ManagedProcess {
    const script = join(directory, 'program.mjs');
    writeFileSync(
      script,
      `import { appendFileSync, writeFileSync, existsSync, rmSync } from 'node:fs';
      import { spawn } from 'node:child_process';
      ${body}
      appendFileSync('up', 'up\\n');
      setInterval(() => undefined, 1000);`,
    );
    const created = new ManagedProcess({
      name: 'Program',
      command: process.execPath,
      args: [script],
      env: process.env,
      cwd: directory,
      serverDirectoryPath: directory,
      logFile: join(directory, 'program.log'),
      recordDirectory: join(directory, 'run'),
      stopLimitMs: 5_000,
      readyLimitMs: 10_000,
      isReady: async () => existsSync(join(directory, 'up')),
      print: (line) => reports.push(line),
      ...options,
    });
    processes.push(created);
    return created;
  }

  function pidOf(program: ManagedProcess): number {
    assert.ok(program.pid !== undefined);
    return program.pid;
  }

  async function until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!condition()) {
      assert.ok(Date.now() < deadline, `the condition did not hold within 10 s; reports: ${reports.join('\n')}`);
      await delay(20);
    }
  }

  it('is restarted after a crash, and shows the reason and its last lines', async () => {
    const program = managed(`console.log('the last line');`);
    await program.start();
    const first = pidOf(program);
    process.kill(first, 'SIGKILL');
    await until(() => reports.includes('Program is running again'));
    assert.notEqual(pidOf(program), first);
    assert.match(reports[0] ?? '', /Program was killed by SIGKILL; its last lines:\n {2}\| the last line/);
    assert.deepEqual(reports[1], 'Program restarts in 1 s');
    process.kill(pidOf(program), 'SIGKILL');
    await until(() => reports.includes('Program restarts in 2 s'));
    await until(() => reports.at(-1) === 'Program is running again');
  });

  it('says why it cannot start, and leaves nothing behind', async () => {
    const program = managed(`console.error('no such database'); process.exit(3);`);
    await assert.rejects(program.start(), /Program exited with code 3; its last lines:\n {2}\| no such database/);
    assert.equal(program.pid, undefined);
    assert.deepEqual(readdirSync(join(directory, 'run')), []);
  });

  it('says if its program does not exist', async () => {
    const program = managed('', { command: '/does/not/exist' });
    await assert.rejects(program.start(), /could not be started: .*ENOENT/);
  });

  it('is killed if it is not ready in time, and shows the last problem', async () => {
    const program = managed('', {
      readyLimitMs: 500,
      isReady: () => Promise.reject(new Error('connection refused')),
    });
    await assert.rejects(program.start(), /not ready within 0.5 s: connection refused/);
    assert.equal(program.pid, undefined);
  });

  it('is killed after the limit if it ignores the request to stop', async () => {
    const program = managed(`process.on('SIGTERM', () => console.log('ignored'));`, { stopLimitMs: 300 });
    await program.start();
    const pid = pidOf(program);
    await program.stop();
    assert.equal(processIdentity(pid), undefined);
    assert.deepEqual(reports, ['Program did not stop within 0.3 s, so it is killed']);
  });

  it('is killed together with its children, even those in sessions of their own', async () => {
    const program = managed(
      `const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }); writeFileSync('child', String(child.pid));`,
    );
    await program.start();
    const child = Number(readFileSync(join(directory, 'child'), 'utf8'));
    assert.ok(processIdentity(child) !== undefined);
    await program.kill();
    assert.equal(processIdentity(child), undefined);
  });

  it('leaves no other process of its group behind when only the process itself is killed', async () => {
    const program = managed(
      `const child = spawn('sleep', ['60'], { stdio: 'ignore' }); appendFileSync('children', child.pid + '\\n');`,
    );
    await program.start();
    const [child] = readFileSync(join(directory, 'children'), 'utf8').split('\n').map(Number);
    assert.ok(child !== undefined && processIdentity(child) !== undefined);
    process.kill(pidOf(program), 'SIGKILL');
    await until(() => reports.includes('Program is running again'));
    assert.equal(processIdentity(child), undefined);
  });

  it('stays down after stop() and comes back with start()', async () => {
    const program = managed('');
    await program.start();
    await Promise.all([program.stop(), program.stop()]);
    await delay(1_200);
    assert.equal(program.pid, undefined);
    await program.start();
    assert.ok(processIdentity(pidOf(program)) !== undefined);
    assert.deepEqual(reports, []);
  });

  it('can be stopped while it starts', async () => {
    const program = managed('', { isReady: async () => false });
    const starting = assert.rejects(program.start(), /was stopped while it was starting|was killed by SIGTERM/);
    await until(() => program.pid !== undefined);
    await program.stop();
    await starting;
    assert.equal(program.pid, undefined);
  });

  it('can be stopped while it waits for its restart', async () => {
    const program = managed('');
    await program.start();
    process.kill(pidOf(program), 'SIGKILL');
    await until(() => reports.length >= 2);
    const asked = Date.now();
    await program.stop();
    assert.ok(Date.now() - asked < 500);
    await delay(1_200);
    assert.equal(program.pid, undefined);
  });
});
