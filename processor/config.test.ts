import assert from 'node:assert/strict';
import { EnvironmentError } from '../infra/runtime/environment.js';
import { readConfig } from './config.js';

const addresses = {
  APP__DB_DSN: 'postgresql://user:password@localhost:5433/processor',
  APP__RABBITMQ_URL: 'amqp://user:password@localhost:5672',
};

describe('the processor configuration', () => {
  it('defaults its name, port, success rate and delay when only the addresses are set', () => {
    const config = readConfig(addresses);
    assert.equal(config.service.name, 'processor');
    assert.equal(config.http.port, 8002);
    assert.equal(config.processing.successRate, 0.8);
    assert.deepEqual(config.processing.delay, { minMs: 0, maxMs: 0 });
  });

  for (const [text, rate] of Object.entries({
    '0': 0,
    '1': 1,
    '0.5': 0.5,
    '.25': 0.25,
    '1.0': 1,
    '0.999999': 0.999999,
  })) {
    it(`accepts a success rate of ${text}`, () => {
      assert.equal(readConfig({ ...addresses, APP__SUCCESS_RATE: text }).processing.successRate, rate);
    });
  }

  for (const text of ['-0.1', '1.1', '80%', '80', '0,5', '1e-1', 'NaN', 'half', '0.', ' 1']) {
    it(`rejects a success rate of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(problemsOf({ APP__SUCCESS_RATE: text }), ['APP__SUCCESS_RATE: must be a number from 0 to 1']);
    });
  }

  const delays: [string, { minMs: number; maxMs: number }][] = [
    ['0', { minMs: 0, maxMs: 0 }],
    ['100', { minMs: 100, maxMs: 100 }],
    ['100-500', { minMs: 100, maxMs: 500 }],
    ['7-7', { minMs: 7, maxMs: 7 }],
    ['0-600000', { minMs: 0, maxMs: 600_000 }],
  ];
  for (const [text, delay] of delays) {
    it(`accepts a processing delay of ${text}`, () => {
      assert.deepEqual(readConfig({ ...addresses, APP__PROCESSING_DELAY_MS: text }).processing.delay, delay);
    });
  }

  for (const text of ['500-100', '-1', '1-', '-', '1-2-3', '1.5', '600001', '0-600001', '1s', '100 - 500']) {
    it(`rejects a processing delay of ${JSON.stringify(text)}`, () => {
      assert.match(problemsOf({ APP__PROCESSING_DELAY_MS: text }).join('\n'), /^APP__PROCESSING_DELAY_MS: must be .*$/);
    });
  }

  it('reports every problem at once', () => {
    const problems = problemsOf({ APP__DB_DSN: '', APP__SUCCESS_RATE: '2', APP__PROCESSING_DELAY_MS: 'long' });
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[0]),
      ['APP__DB_DSN', 'APP__SUCCESS_RATE', 'APP__PROCESSING_DELAY_MS'],
    );
  });
});

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig({ ...addresses, ...env });
  } catch (error) {
    assert.ok(error instanceof EnvironmentError);
    return error.problems;
  }
  return [];
}
