import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { brokerLimits } from '../local/rabbitmq-server.js';
import { developmentServerArguments } from '../local/temporal-server.js';

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

describe('the composed servers are set up as the local ones:', () => {
  it('Temporal', () => {
    const local = developmentServerArguments('/home/temporal/temporal.db')
      .join(' ')
      .replaceAll(/(--[a-z-]+) /g, '$1=');
    const [, composed = ''] =
      /command:\n((?: +(?:- |#).*\n)*?)(?= +ports:)/.exec(
        read('../docker-compose.yml').split('\n  temporal:\n')[1] ?? '',
      ) ?? [];
    const listed = [...composed.matchAll(/^ +- (\S+)$/gm)].map(([, argument]) => argument);
    const addresses = ['--ip=0.0.0.0', '--ui-ip=0.0.0.0'];
    assert.deepEqual(listed.sort(), [...local.split(' '), ...addresses].sort());
  });

  it('RabbitMQ', () => {
    const composed = Object.fromEntries(
      [...read('rabbitmq.conf').matchAll(/^(\S+) = (.*)$/gm)].map(([, key, value]) => [key, value]),
    ) as Record<string, string>;
    const local = Object.entries(brokerLimits).map(([key, value]) => [key, String(value)]);
    assert.deepEqual(composed, Object.fromEntries(local));
  });
});
