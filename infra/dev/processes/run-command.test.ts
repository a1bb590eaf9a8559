import assert from 'node:assert/strict';
import { CliError } from '../../runtime/cli-error.js';
import { commandLineOf } from './process-tree.js';
import { runCommand } from './run-command.js';

const limitMs = 10_000;

function shell(script: string, options: Partial<Parameters<typeof runCommand>[2]> = {}): Promise<string> {
  return runCommand('sh', ['-c', script], { limitMs, ...options });
}

describe('a command that runs to completion', () => {
  it('returns everything it has printed, also to standard error', async () => {
    const output = await shell('echo one; echo two >&2; echo three');
    assert.deepEqual(output.split('\n').sort(), ['one', 'three', 'two']);
  });

  it('reports each line as soon as it is printed', async () => {
    const lines: string[] = [];
    await shell('echo one; echo two >&2', { onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ['one', 'two']);
  });

  it('reads nothing from the terminal', async () => {
    assert.equal(await shell('cat; echo end'), 'end');
  });

  it('gets exactly the environment that it is given', async () => {
    assert.equal(await shell('echo "$HOME-$X"', { env: { X: '1', PATH: process.env['PATH'] } }), '-1');
    assert.equal(await shell('echo "$HOME"'), process.env['HOME']);
  });

  const failures = {
    'exits with another code than 0': ['echo why; exit 3', {}, /^sh -c .* exited with code 3\n {2}\| why$/s],
    'is killed by a signal': ['kill -9 $$', {}, /was killed by SIGKILL$/],
    'takes too long': ['echo began; sleep 60', { limitMs: 300 }, /took longer than 0\.3 s\n {2}\| began$/],
    'is interrupted': ['sleep 60', { signal: AbortSignal.timeout(200) }, /was interrupted$/],
    'is interrupted before it starts': ['sleep 60', { signal: AbortSignal.abort() }, /was interrupted$/],
  } as const;
  for (const [what, [script, options, message]] of Object.entries(failures)) {
    it(`fails with a message for the terminal if it ${what}`, async () => {
      await assert.rejects(shell(script, options), (error: Error) => {
        assert.ok(error instanceof CliError);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('fails with its last 15 lines', async () => {
    await assert.rejects(shell('seq 1 40; exit 1'), (error: Error) => {
      assert.deepEqual(
        error.message.match(/\d+$/gm)?.slice(-15),
        Array.from({ length: 15 }, (_, n) => String(n + 26)),
      );
      assert.doesNotMatch(error.message, /\| 25$/m);
      return true;
    });
  });

  it('fails with the reason if its program does not exist', async () => {
    await assert.rejects(
      runCommand('no-such-program', [], { limitMs }),
      /no-such-program .*could not be started.*ENOENT/s,
    );
  });

  it('leaves no child process behind when it takes too long, not even one in a session of its own', async () => {
    const lines: string[] = [];
    const script = 'setsid sleep 61 & echo $!; sleep 61';
    await assert.rejects(shell(script, { limitMs: 300, onLine: (line) => lines.push(line) }), /took longer/);
    assert.equal(commandLineOf(Number(lines[0])), '');
  });
});
