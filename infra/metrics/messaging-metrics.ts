import type pg from 'pg';
import { Counter, type Registry } from 'prom-client';
import type { DeliveryCounts } from '../rabbitmq/consumer.js';
import type { Publisher } from '../rabbitmq/publisher.js';
import { deadLetterQueueOf, type Topology } from '../rabbitmq/topology.js';
import { addReadGauge, addSqlGauge } from './registry.js';

/** What the consumer of a service counts. */
export interface MessagingCounts extends DeliveryCounts {
  /** An event that had had its effect before. */
  repeated(type: string): void;
}

export interface MessagingMetricsOptions {
  readonly pool: pg.Pool;
  readonly publisher: Publisher;
  readonly topology: Topology;
}

/** The metrics of outbox, inbox and queues, the same in every service; returns what its consumer counts with. */
export function addMessagingMetrics(
  registry: Registry,
  { pool, publisher, topology }: MessagingMetricsOptions,
): MessagingCounts {
  const one = (name: string, help: string, statement: string): void =>
    addSqlGauge(registry, pool, { name, help }, statement);
  one(
    'outbox_unpublished',
    'Events in the outbox that are not published yet',
    'select count(*) as value from outbox where published_at is null and attempts >= 0',
  );
  one(
    'outbox_oldest_unpublished_seconds',
    'Age of the oldest event that is not published yet; 0 when there is none',
    'select extract(epoch from now() - min(created_at)) as value from outbox where published_at is null and attempts >= 0',
  );
  const depths = (names: readonly string[]) =>
    Promise.all(names.map(async (queue) => [{ queue }, await publisher.depthOf(queue)] as const));
  const queues = topology.queues.map(({ name }) => name);
  addReadGauge(
    registry,
    {
      name: 'queue_messages',
      help: 'Messages that wait in a queue, without those a consumer holds',
      labelNames: ['queue'],
    },
    () => depths(queues),
  );
  addReadGauge(registry, { name: 'dead_letters', help: 'Parked messages', labelNames: ['queue'] }, () =>
    depths(queues.map(deadLetterQueueOf)),
  );

  const registers = [registry];
  const deliveries = new Counter({
    ...{ name: 'deliveries_total', help: 'Deliveries that have ended', labelNames: ['queue', 'end'], registers },
  });
  const retries = new Counter({
    ...{
      name: 'delivery_retries_total',
      help: 'Attempts that were not the last',
      labelNames: ['queue', 'why'],
      registers,
    },
  });
  const repeats = new Counter({
    ...{
      name: 'repeated_events_total',
      help: 'Events that had had their effect before',
      labelNames: ['type'],
      registers,
    },
  });
  return {
    ended: (queue, end) => deliveries.inc({ queue, end }),
    retried: (queue, why) => retries.inc({ queue, why }),
    repeated: (type) => repeats.inc({ type }),
  };
}
