import assert from 'node:assert/strict';
import { EnvironmentError } from '../infra/runtime/environment.js';
import { readConfig } from './config.js';

const addresses = {
  APP__DB_DSN: 'postgresql+asyncpg://user:password@localhost:5432/orders',
  APP__RABBITMQ_URL: 'amqp://user:password@localhost:5672',
};

describe('the order API configuration', () => {
  it('defaults its name and port when only the addresses are set', () => {
    const config = readConfig(addresses);
    assert.equal(config.service.name, 'order-api');
    assert.equal(config.http.port, 8001);
    assert.equal(config.postgres.dsn, 'postgresql://user:password@localhost:5432/orders');
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.http));
  });

  it('reports every problem at once', () => {
    assert.throws(
      () => readConfig({ APP__PORT: '-1' }),
      (error) =>
        error instanceof EnvironmentError &&
        ['APP__DB_DSN', 'APP__RABBITMQ_URL', 'APP__PORT'].every((name) => error.message.includes(`- ${name}: `)) &&
        error.problems.length === 3,
    );
  });
});
