import assert from 'node:assert/strict';
import { testLogger } from '../dev/testing/test-logger.js';
import { addHealthRoutes, type Check } from './health-routes.js';
import { createHttpApp, createRouter } from './http-app.js';
import { listen, type HttpServer } from './http-server.js';

const up: Check = async () => true;
const down: Check = async () => false;
const failing: Check = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1:5432'));
const throwing: Check = () => {
  throw new Error('the pool has ended');
};
const hanging: Check = () => new Promise(() => undefined);

describe('the health routes', () => {
  const checks = { postgres: up, rabbitmq: up, temporal: up };
  let server: HttpServer;
  before(async () => {
    const router = createRouter();
    addHealthRoutes(router, 'some-service', {
      postgres: () => checks.postgres(),
      rabbitmq: () => checks.rabbitmq(),
      temporal: () => checks.temporal(),
    });
    server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0);
  });
  after(() => server.stop());
  beforeEach(() => Object.assign(checks, { postgres: up, rabbitmq: up, temporal: up }));

  const health = async (path = '/health') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return { code: response.status, text: await response.text() };
  };

  it('report ok when every dependency is up', async () => {
    assert.deepEqual(await health(), {
      code: 200,
      text: '{"status":"ok","service":"some-service","checks":{"postgres":"ok","rabbitmq":"ok","temporal":"ok"}}',
    });
  });

  for (const [what, check] of Object.entries({
    'returns false': down,
    rejects: failing,
    throws: throwing,
    hangs: hanging,
  })) {
    it(`report degraded with status 200 when the RabbitMQ check ${what}`, async () => {
      checks.rabbitmq = check;
      const { code, text } = await health();
      assert.equal(code, 200);
      assert.match(text, /"status":"degraded".*"rabbitmq":"unavailable","temporal":"ok"/);
    });

    it(`report degraded with status 200 when the Temporal check ${what}`, async () => {
      checks.temporal = check;
      const { code, text } = await health();
      assert.equal(code, 200);
      assert.match(text, /"status":"degraded".*"rabbitmq":"ok","temporal":"unavailable"/);
    });

    it(`report unavailable with status 503 when the Postgres check ${what}`, async () => {
      checks.postgres = check;
      const { code, text } = await health();
      assert.equal(code, 503);
      assert.match(text, /"status":"unavailable".*"postgres":"unavailable"/);
      assert.ok(!text.includes('ECONNREFUSED'));
    });
  }

  it('report unavailable and name each failed check when every check hangs', async () => {
    Object.assign(checks, { postgres: hanging, rabbitmq: hanging, temporal: hanging });
    const { code, text } = await health();
    assert.equal(code, 503);
    assert.match(text, /"postgres":"unavailable","rabbitmq":"unavailable","temporal":"unavailable"/);
  });

  it('report that the process is alive whatever else is down', async () => {
    Object.assign(checks, { postgres: down, rabbitmq: down, temporal: down });
    assert.deepEqual(await health('/health/live'), { code: 200, text: '{"status":"ok","service":"some-service"}' });
  });
});
