import assert from 'node:assert/strict';
import type pg from 'pg';
import { Registry } from 'prom-client';
import type { Publisher } from '../rabbitmq/publisher.js';
import { addMessagingMetrics } from './messaging-metrics.js';

const queue = 'q';
const topology = { exchange: 'e', queues: [{ name: queue, routingKey: 't' }] };
const pool = { query: () => Promise.reject(new Error('it is unavailable')) } as unknown as pg.Pool;
const publisher = { depthOf: () => Promise.reject(new Error('it is unavailable')) } as unknown as Publisher;

describe('the messaging metrics', () => {
  async function seriesOf(registry: Registry): Promise<string[]> {
    const lines = (await registry.metrics()).split('\n');
    return lines.filter((line) => line !== '' && !line.startsWith('#'));
  }

  it('exist from the start with the value 0', async () => {
    const registry = new Registry();
    addMessagingMetrics(registry, { pool, publisher, topology });
    assert.deepEqual(await seriesOf(registry), [
      'deliveries_total{queue="q",outcome="acked"} 0',
      'deliveries_total{queue="q",outcome="dead_lettered"} 0',
      'deliveries_total{queue="q",outcome="requeued"} 0',
      'delivery_retries_total{queue="q",reason="failure"} 0',
      'delivery_retries_total{queue="q",reason="outage"} 0',
      'repeated_events_total{type="t"} 0',
    ]);
  });

  it('count in the series that exist from the start, none of which has a space in a label', async () => {
    const registry = new Registry();
    const counts = addMessagingMetrics(registry, { pool, publisher, topology });
    const before = await seriesOf(registry);
    for (const outcome of ['acked', 'dead_lettered', 'requeued'] as const) counts.ended(queue, outcome);
    for (const reason of ['failure', 'outage'] as const) counts.retried(queue, reason);
    counts.repeated('t');
    const after = await seriesOf(registry);
    assert.deepEqual(
      after,
      before.map((line) => line.replace(/ 0$/, ' 1')),
    );
    for (const line of after) assert.doesNotMatch(line, /=".*\s.*"/);
  });
});
