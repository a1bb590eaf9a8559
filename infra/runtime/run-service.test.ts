import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const fixture = fileURLToPath(new URL('../dev/testing/service-fixture.ts', import.meta.url));

describe('a service process', function () {
  this.timeout(30_000);
  const running: ChildProcess[] = [];
  afterEach(() => running.splice(0).forEach((child) => child.kill('SIGKILL')));

  /** Starts the fixture; `said` collects what it logs, a `msg` a line, with the part that it is about. */
  function start(situation: string) {
    const child = spawn(process.execPath, ['--import', 'tsx', fixture, situation], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    const said: string[] = [];
    let errors = '';
    let onLine = (): void => undefined;
    createInterface(child.stdout).on('line', (line) => {
      const { msg, part, clean } = JSON.parse(line) as { msg: string; part?: string; clean?: boolean };
      said.push([part, msg, clean].filter((word) => word !== undefined).join(' '));
      onLine();
    });
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const hasSaid = (text: string): Promise<void> =>
      new Promise((resolve) => {
        onLine = () => said.includes(text) && resolve();
        onLine();
      });
    const exitCode = once(child, 'close').then(([code]) => code as number | null);
    return { child, said, hasSaid, exitCode, errors: () => errors };
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`stops its parts in the reverse order of their registration on ${signal}, and exits with 0`, async () => {
      const { child, said, hasSaid, exitCode } = start('is healthy');
      await hasSaid('listening');
      child.kill(signal);
      assert.equal(await exitCode, 0);
      assert.deepEqual(said.slice(said.indexOf('stopping')), [
        'stopping',
        'third part stopped',
        'second part stopped',
        'first part stopped',
        'stopped true',
      ]);
    });
  }

  it('stops the other parts when one fails to stop, and exits with 1', async () => {
    const { child, said, hasSaid, exitCode } = start('has a part that fails to stop');
    await hasSaid('listening');
    child.kill('SIGTERM');
    assert.equal(await exitCode, 1);
    assert.deepEqual(said.slice(said.indexOf('stopping')), [
      'stopping',
      'third part stopped',
      'second a part did not stop cleanly',
      'first part stopped',
      'stopped false',
    ]);
  });

  it('exits with 1 at once on a second signal', async () => {
    const { child, said, hasSaid, exitCode } = start('has a part that takes long to stop');
    await hasSaid('listening');
    child.kill('SIGTERM');
    await hasSaid('third part stopped');
    child.kill('SIGTERM');
    assert.equal(await exitCode, 1);
    assert.ok(!said.includes('first part stopped'), said.join(', '));
  });

  it('stops what it has composed when it cannot start, and exits with 1', async () => {
    const { said, exitCode } = start('cannot start');
    assert.equal(await exitCode, 1);
    assert.deepEqual(said, [
      'second part started',
      'the service could not start',
      'third part stopped',
      'second part stopped',
      'first part stopped',
    ]);
  });

  it('prints every problem with its settings, composes nothing, and exits with 2', async () => {
    const { said, errors, exitCode } = start('has unusable settings');
    assert.equal(await exitCode, 2);
    assert.deepEqual(said, []);
    assert.equal(errors(), 'the environment has 2 problem(s):\n  - A: is required\n  - B: is wrong\n');
  });
});
