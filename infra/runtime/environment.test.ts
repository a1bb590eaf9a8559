import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EnvironmentError, readEnvironment, wholeNumber } from './environment.js';

const schema = z.object({
  APP__NAME: z.string({ error: 'is required' }),
  APP__SIZE: wholeNumber(1, 100).prefault('10'),
  APP__RATE: wholeNumber(0, 5).prefault('0'),
});
const nothingElse = () => ({});

describe('the environment reader', () => {
  it('returns one frozen object with defaults for unset variables', () => {
    const settings = readEnvironment(schema, { APP__NAME: 'a', OTHER: 'x' }, () => ({ more: true }));
    assert.deepEqual(settings, { APP__NAME: 'a', APP__SIZE: 10, APP__RATE: 0, more: true });
    assert.ok(Object.isFrozen(settings));
  });

  it('treats an empty variable as unset', () => {
    assert.equal(readEnvironment(schema, { APP__NAME: 'a', APP__SIZE: '' }, nothingElse).APP__SIZE, 10);
    assert.deepEqual(problemsOf({ APP__NAME: '' }), ['APP__NAME: is required']);
  });

  it('reports every problem at once, under the name of its variable', () => {
    const broken = (): object => {
      throw new Error('OTHER_*: cannot be used');
    };
    const problems = problemsOf({ APP__SIZE: '0', APP__RATE: 'six' }, broken);
    assert.deepEqual(problems, [
      'APP__NAME: is required',
      'APP__SIZE: must be a whole number from 1 to 100',
      'APP__RATE: must be a whole number from 0 to 5',
      'OTHER_*: cannot be used',
    ]);
  });

  it('reports a problem with the other settings even when all variables are valid', () => {
    const broken = (): object => {
      throw new Error('OTHER_*: cannot be used');
    };
    assert.deepEqual(problemsOf({ APP__NAME: 'a' }, broken), ['OTHER_*: cannot be used']);
  });

  it('lists every problem in the error message', () => {
    const error = new EnvironmentError(['A: is required', 'B: is wrong']);
    assert.equal(error.message, 'the environment has 2 problem(s):\n  - A: is required\n  - B: is wrong');
  });

  describe('with a variable in a file', () => {
    let directory: string;
    before(() => (directory = mkdtempSync(join(tmpdir(), 'environment-'))));
    after(() => rmSync(directory, { recursive: true }));

    function fileWith(text: string): string {
      const file = join(directory, 'secret');
      writeFileSync(file, text);
      return file;
    }

    for (const end of ['', '\n', '\r\n']) {
      it(`returns the value when the file ends with ${JSON.stringify(end)}`, () => {
        const settings = readEnvironment(schema, { APP__NAME_FILE: fileWith(`a secret ${end}`) }, nothingElse);
        assert.equal(settings.APP__NAME, 'a secret ');
      });
    }

    it('applies the same rules, and reports a problem without the content of the file', () => {
      assert.deepEqual(problemsOf({ APP__NAME: 'a', APP__SIZE_FILE: fileWith('secret') }), [
        'APP__SIZE: must be a whole number from 1 to 100',
      ]);
    });

    it('treats an empty file as unset', () => {
      assert.deepEqual(problemsOf({ APP__NAME_FILE: fileWith('\n') }), ['APP__NAME: is required']);
    });

    it('reports a file that cannot be read, and no other problem with its variable', () => {
      const [problem, ...others] = problemsOf({ APP__NAME_FILE: join(directory, 'missing') });
      assert.match(problem ?? '', /^APP__NAME_FILE: cannot be read: ENOENT/);
      assert.deepEqual(others, []);
    });

    it('reports a variable that is also set directly, even to the same value', () => {
      assert.deepEqual(problemsOf({ APP__NAME: 'a', APP__NAME_FILE: fileWith('a') }), [
        'APP__NAME and APP__NAME_FILE are both set: keep one of them',
      ]);
    });
  });

  describe('for a whole number', () => {
    for (const text of ['1', '100', '007']) {
      it(`accepts ${text}`, () => assert.equal(wholeNumber(1, 100).parse(text), Number(text)));
    }
    for (const text of ['0', '101', '-1', '+1', '1.0', '1e1', ' 1', '1 ', '0x1', 'ten', '9'.repeat(400)]) {
      it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
        const { error } = wholeNumber(1, 100).safeParse(text);
        assert.deepEqual(
          error?.issues.map((issue) => issue.message),
          ['must be a whole number from 1 to 100'],
        );
      });
    }
  });
});

function problemsOf(env: NodeJS.ProcessEnv, alsoRead: () => object = nothingElse): readonly string[] {
  try {
    readEnvironment(schema, env, alsoRead);
  } catch (error) {
    assert.ok(error instanceof EnvironmentError);
    return error.problems;
  }
  return [];
}
