import type pg from 'pg';
import { Counter, type Registry } from 'prom-client';
import type { DeliveryCounts } from '../rabbitmq/consumer.js';
import type { Publisher } from '../rabbitmq/publisher.js';
import { deadLetterQueueOf, type Topology } from '../rabbitmq/topology.js';
import { addBacklogGauges } from './backlog-gauges.js';
import { addReadGauge } from './registry.js';

/** The counts of a service's consumer. */
export interface MessagingCounts extends DeliveryCounts {
  /** Counts an event that had already had its effect. */
  repeated(type: string): void;
}

export interface MessagingMetricsOptions {
  readonly pool: pg.Pool;
  readonly publisher: Publisher;
  readonly topology: Topology;
}

/** Adds the metrics of outbox and queues, which are the same in every service. Returns the counts for its consumer. */
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
      help: 'Messages that wait in a queue, excluding those that a consumer holds',
      labelNames: ['queue'],
    },
    () => depths(queues),
  );
  addReadGauge(registry, { name: 'dead_letters', help: 'Dead-lettered messages', labelNames: ['queue'] }, () =>
    depths(queues.map(deadLetterQueueOf)),
  );
  return countsOf(registry, topology);
}

const outcomes = ['acked', 'dead_lettered', 'requeued'] as const;
const retryReasons = ['failure', 'outage'] as const;

/** Every series starts at 0: an alarm would see no increase in a series that begins with its first event. */
function countsOf(registry: Registry, topology: Topology): MessagingCounts {
  const registers = [registry];
  const deliveries = new Counter({
    ...{ name: 'deliveries_total', help: 'Deliveries that have ended', labelNames: ['queue', 'outcome'], registers },
  });
  const retries = new Counter({
    ...{
      name: 'delivery_retries_total',
      help: 'Attempts that did not end their delivery',
      labelNames: ['queue', 'reason'],
      registers,
    },
  });
  const repeats = new Counter({
    ...{
      name: 'repeated_events_total',
      help: 'Events that had already had their effect',
      labelNames: ['type'],
      registers,
    },
  });
  for (const { name: queue, routingKey: type } of topology.queues) {
    for (const outcome of outcomes) deliveries.inc({ queue, outcome }, 0);
    for (const reason of retryReasons) retries.inc({ queue, reason }, 0);
    repeats.inc({ type }, 0);
  }
  return {
    ended: (queue, outcome) => deliveries.inc({ queue, outcome }),
    retried: (queue, reason) => retries.inc({ queue, reason }),
    repeated: (type) => repeats.inc({ type }),
  };
}
