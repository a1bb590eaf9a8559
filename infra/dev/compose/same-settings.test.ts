import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connectionLimit } from '../../http/connection-limit.js';
import { readConfig as readOrderApiConfig, variableNames as orderApiVariables } from '../../../order-api/config.js';
import { readConfig as readProcessorConfig, variableNames as processorVariables } from '../../../processor/config.js';
import { brokerLimits } from '../servers/rabbitmq-server.js';
import { nodeOptions } from '../services/service-process.js';
import { developmentServerArguments } from '../servers/temporal-server.js';
import { maxMessageBytes } from '../../rabbitmq/dead-letter.js';

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

describe('the compose file', () => {
  it('configures Temporal like the local server', () => {
    const local = developmentServerArguments('/home/temporal/temporal.db')
      .join(' ')
      .replaceAll(/(--[a-z-]+) /g, '$1=');
    const [, composed = ''] =
      /command:\n((?: +(?:- |#).*\n)*?)(?= +ports:)/.exec(
        read('../../docker-compose.yml').split('\n  temporal:\n')[1] ?? '',
      ) ?? [];
    const listed = [...composed.matchAll(/^ +- (\S+)$/gm)].map(([, argument]) => argument);
    const addresses = ['--ip=0.0.0.0', '--ui-ip=0.0.0.0'];
    assert.deepEqual(listed.sort(), [...local.split(' '), ...addresses].sort());
  });

  it('configures RabbitMQ like the local server', () => {
    const composed = Object.fromEntries(
      [...read('../../docker/rabbitmq.conf').matchAll(/^(\S+) = (.*)$/gm)].map(([, key, value]) => [key, value]),
    ) as Record<string, string>;
    const local = Object.entries(brokerLimits).map(([key, value]) => [key, String(value)]);
    assert.deepEqual(composed, Object.fromEntries(local));
    assert.equal(composed['max_message_size'], String(maxMessageBytes));
    // During an outage a message is redelivered each time this passes; after 100 times the queue dead-letters it.
    assert.ok(Number(composed['consumer_timeout']) >= 24 * 60 * 60 * 1000);
  });

  it('runs Node with the same options as the local services', () => {
    assert.ok(read('../../Dockerfile').includes(`NODE_OPTIONS="${nodeOptions}"`));
  });

  it('passes every setting in .env to the services', () => {
    // The compose file or the image fixes these.
    const own = ['APP__DB_DSN', 'APP__RABBITMQ_URL', 'APP__SERVICE_NAME', 'APP__HOST', 'APP__PORT'];
    const settings = new Set([...orderApiVariables, ...processorVariables].filter((name) => !own.includes(name)));
    const composed = read('../../docker-compose.yml');
    const missing = [...settings].filter((name) => !composed.includes(`      ${name}: \${${name}:-}\n`));
    assert.deepEqual(missing, []);
  });

  it('gives the services enough file descriptors for all the connections that they accept', () => {
    const addresses = { APP__DB_DSN: 'postgresql://localhost/orders', APP__RABBITMQ_URL: 'amqp://localhost' };
    const service = read('../../docker-compose.yml').split('x-service: &service\n')[1]?.split('\nservices:')[0] ?? '';
    const descriptors = Number(/^ {2}ulimits: \{ nofile: (\d+) \}$/m.exec(service)?.[1]);
    for (const { http } of [readOrderApiConfig(addresses), readProcessorConfig(addresses)]) {
      assert.equal(connectionLimit(http.maxConnections, descriptors), http.maxConnections);
    }
  });
});
