import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EnvironmentError, readEnvironment } from './environment.js';
import { readTemporalSettings, serviceVariables } from './service-settings.js';

const variables = z.object(serviceVariables({ name: 'some-service', port: 8009 }));
const addresses = {
  APP__DB_DSN: 'postgresql://user:password@db:5432/orders',
  APP__RABBITMQ_URL: 'amqp://user:password@broker:5672',
};

describe('the service settings', () => {
  it('require two addresses and have defaults for everything else', () => {
    const { temporal, ...settings } = read(addresses);
    assert.deepEqual(settings, {
      ...addresses,
      APP__SERVICE_NAME: 'some-service',
      APP__HOST: '127.0.0.1',
      APP__PORT: 8009,
      APP__MAX_CONNECTIONS: 5000,
      APP__LOG_LEVEL: 'info',
      APP__CHECK_AFTER_MS: 30_000,
      APP__RECONCILE_INTERVAL_MS: 2000,
      APP__RECONCILE_GRACE_MS: 30_000,
      APP__OUTBOX_RETENTION_DAYS: 7,
      APP__INBOX_RETENTION_DAYS: 30,
    });
    assert.equal(temporal.namespace, 'default');
    assert.ok([undefined, 'localhost:7233'].includes(temporal.connectionOptions.address));
  });

  it('report every problem at once, including a broken Temporal configuration', () => {
    withConfigFile('this is not TOML [', (file) => {
      const problems = problemsOf({
        APP__RABBITMQ_URL: 'http://broker',
        APP__PORT: '65536',
        APP__LOG_LEVEL: 'loud',
        APP__RECONCILE_INTERVAL_MS: '49',
        APP__INBOX_RETENTION_DAYS: '0',
        TEMPORAL_CONFIG_FILE: file,
      });
      const expected = [
        /^APP__DB_DSN: is required/,
        /^APP__RABBITMQ_URL: must be an AMQP address/,
        /^APP__PORT: must be a whole number from 0 to 65535$/,
        /^APP__LOG_LEVEL: must be one of trace, debug/,
        /^APP__RECONCILE_INTERVAL_MS: must be a whole number from 50/,
        /^APP__INBOX_RETENTION_DAYS: must be a whole number from 1/,
        /^TEMPORAL_\*: /,
      ];
      assert.equal(problems.length, expected.length, problems.join('\n'));
      expected.forEach((pattern, index) => assert.match(problems[index] ?? '', pattern));
    });
  });

  for (const scheme of ['postgres', 'postgresql', 'postgres+psycopg2', 'postgresql+asyncpg']) {
    it(`accept a Postgres address that begins with ${scheme}: and remove the name of a driver`, () => {
      const { APP__DB_DSN } = read({ ...addresses, APP__DB_DSN: `${scheme}://u:p+q@db/orders` });
      assert.equal(APP__DB_DSN, `${scheme.replace(/\+.*/, '')}://u:p+q@db/orders`);
    });
  }

  for (const dsn of ['mysql://db/orders', 'db:5432', 'orders', 'mysql+asyncpg://db/orders']) {
    it(`refuse ${dsn} as a Postgres address`, () => {
      assert.match(problemsOf({ ...addresses, APP__DB_DSN: dsn }).join(), /^APP__DB_DSN: must be a Postgres address/);
    });
  }

  it('refuse an address without repeating it, since it may contain a password', () => {
    const problems = problemsOf({ APP__DB_DSN: 'mysql://u:secret@db/x', APP__RABBITMQ_URL: 'http://u:secret@broker' });
    assert.equal(problems.length, 2);
    assert.ok(!problems.join().includes('secret'));
  });

  it('read the standard Temporal variables and treat an empty one as unset', () => {
    const { temporal } = read({ ...addresses, TEMPORAL_ADDRESS: 'temporal:7234', TEMPORAL_NAMESPACE: 'orders' });
    assert.deepEqual([temporal.connectionOptions.address, temporal.namespace], ['temporal:7234', 'orders']);
    const unset = read({ ...addresses, TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '' }).temporal;
    assert.deepEqual(unset, read(addresses).temporal);
  });

  it('read the Temporal configuration file, over which variables take precedence', () => {
    withConfigFile('[profile.default]\naddress = "file:7233"\nnamespace = "from-file"\n', (file) => {
      const { temporal } = read({ ...addresses, TEMPORAL_CONFIG_FILE: file, TEMPORAL_ADDRESS: 'variable:7233' });
      assert.deepEqual([temporal.connectionOptions.address, temporal.namespace], ['variable:7233', 'from-file']);
    });
  });
});

function read(env: NodeJS.ProcessEnv) {
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    read(env);
  } catch (error) {
    assert.ok(error instanceof EnvironmentError);
    return error.problems;
  }
  return [];
}

function withConfigFile(content: string, check: (file: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'temporal-config-'));
  try {
    const file = join(directory, 'temporal.toml');
    writeFileSync(file, content);
    check(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
