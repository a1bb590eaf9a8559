import type pg from 'pg';
import { Counter, type Registry } from 'prom-client';
import type { DeliveryCounts } from '../rabbitmq/consumer.js';
import type { Publisher } from '../rabbitmq/publisher.js';
import { deadLetterQueueOf, type Topology } from '../rabbitmq/topology.js';
import { addBacklogGauges } from './backlog-gauges.js';
import { addReadGauge } from './registry.js';

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

/** The metrics of outbox and queues, the same in every service; returns what its consumer counts with. */
export function addMessagingMetrics(
  registry: Registry,
  { pool, publisher, topology }: MessagingMetricsOptions,
): MessagingCounts {
  addBacklogGauges(registry, pool);
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
  addReadGauge(registry, { name: 'dead_letters', help: 'Dead-lettered messages', labelNames: ['queue'] }, () =>
    depths(queues.map(deadLetterQueueOf)),
  );
  return countsOf(registry, topology);
}

/** By the consumer's words; none of them has a blank on its way into a query. */
const outcomes = { handled: 'acked', parked: 'dead_lettered', 'given back': 'requeued' } as const;
const retryReasons = ['failure', 'outage'] as const;

/** Every series is there from the start, at 0: one that begins with its first event shows no increase to an alarm. */
function countsOf(registry: Registry, topology: Topology): MessagingCounts {
  const registers = [registry];
  const deliveries = new Counter({
    ...{ name: 'deliveries_total', help: 'Deliveries that have ended', labelNames: ['queue', 'outcome'], registers },
  });
  const retries = new Counter({
    ...{
      name: 'delivery_retries_total',
      help: 'Attempts that were not the last',
      labelNames: ['queue', 'reason'],
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
  for (const { name: queue, routingKey: type } of topology.queues) {
    for (const outcome of Object.values(outcomes)) deliveries.inc({ queue, outcome }, 0);
    for (const reason of retryReasons) retries.inc({ queue, reason }, 0);
    repeats.inc({ type }, 0);
  }
  return {
    ended: (queue, end) => deliveries.inc({ queue, outcome: outcomes[end] }),
    retried: (queue, reason) => retries.inc({ queue, reason }),
    repeated: (type) => repeats.inc({ type }),
  };
}
