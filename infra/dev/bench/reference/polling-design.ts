import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { readEvent } from '../../../messaging/envelope.js';
import { createOutboxRelay } from '../../../messaging/outbox-relay.js';
import { createPool } from '../../../postgres/pool.js';
import { createConsumer } from '../../../rabbitmq/consumer.js';
import { createPublisher } from '../../../rabbitmq/publisher.js';
import { testLogger } from '../../testing/test-logger.js';
import { createOrderStore } from '../../../../order-api/infrastructure/postgres/order-store.js';
import { createProcessingStore } from '../../../../processor/infrastructure/postgres/processing-store.js';
import { eventKeyOf, orderCreated, orderProcessed, orderTopology } from '../../../../workflows/order-events.js';
import { newOrderId } from '../order-client.js';
import { watchSettlements } from '../settlements.js';
import { serve } from './serve.js';

// For `single-order`: the classic design, built from this system's stores, relay and consumers. Both outboxes are
// polled, and nothing else has their messages published.
const pollMs = 5000;
const orders = createPool(process.env['ORDERS_DB_DSN'] ?? '', 'reference', testLogger);
const processed = createPool(process.env['PROCESSOR_DB_DSN'] ?? '', 'reference', testLogger);
const url = process.env['APP__RABBITMQ_URL'] ?? '';
const publisher = await createPublisher(url, 'reference', orderTopology, testLogger);
const [orderStore, processingStore] = [createOrderStore(orders, 0), createProcessingStore(processed, 0)];
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function pollOutbox(
  pool: pg.Pool,
  event: typeof orderCreated | typeof orderProcessed,
  afterMs: number,
  { signal }: AbortController,
): Promise<void> {
  const { exchange } = orderTopology;
  const relay = createOutboxRelay({ pool, publisher, exchange, source: 'reference', log: () => testLogger });
  await sleep(afterMs);
  while (!signal.aborted) {
    const { rows } = await pool.query<{ id: string }>(
      'select aggregate_id as id from outbox where published_at is null order by outbox.id limit 1000',
    );
    const { type, dataversion } = event;
    await relay.publish({ aggregateIds: rows.map(({ id }) => id), type, dataversion });
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

const consuming = { url, topology: orderTopology, prefetch: 200, publisher, isOutage: () => false };
const logging = { logger: testLogger, log: () => testLogger };
await createConsumer({
  ...consuming,
  ...logging,
  name: 'reference created',
  queue: orderCreated.queue,
  handle: async ({ content }) => {
    const { id, data } = readEvent(content, orderCreated.type, orderCreated.dataversion, orderCreated.data);
    const event = { orderId: data.order_id, version: data.version, messageId: id, traceparent, workflowId: undefined };
    const eventKey = eventKeyOf(orderCreated.type, data);
    await processingStore.process({ ...event, eventKey }, () => ({ status: 'done' }));
  },
});
await createConsumer({
  ...consuming,
  ...logging,
  name: 'reference processed',
  queue: orderProcessed.queue,
  handle: async ({ content }) => {
    const { id, data } = readEvent(content, orderProcessed.type, orderProcessed.dataversion, orderProcessed.data);
    const outcome = { orderId: data.order_id, status: data.status, reason: null, version: data.version };
    await orderStore.applyOutcome(outcome, { eventKey: eventKeyOf(orderProcessed.type, data), messageId: id });
  },
});

const ordersEachRun = 60;
/** The pollers are independent. The offset between them decides the median, so the runs go through all offsets. */
const phases = Number(process.env['REFERENCE_RUNS'] ?? '1');
let run = 0;

/** Places orders evenly over the run and returns the milliseconds from placing to settlement of each. */
serve(async (durationMs) => {
  const stopping = new AbortController();
  const apartMs = (((run % phases) + 0.5) / phases) * pollMs;
  run += 1;
  const polling = [
    pollOutbox(orders, orderCreated, 0, stopping),
    pollOutbox(processed, orderProcessed, apartMs, stopping),
  ];
  const settlements = watchSettlements(orders, 5);
  const count = ordersEachRun;
  const latencies = Array.from({ length: count }, async (_, index) => {
    await sleep((index * durationMs) / count);
    const orderId = newOrderId();
    const startedAt = performance.now();
    const items = [{ sku: 'laptop', quantity: 1, price: 1200 }];
    const order = { orderId, customerId: 'cust-123', status: 'pending', totalAmount: 1200, version: 1, items } as const;
    await orderStore.place({ ...order, failureReason: null }, traceparent);
    return (await settlements.of(orderId)) - startedAt;
  });
  const result = await Promise.all(latencies);
  await settlements.stop();
  stopping.abort();
  await Promise.all(polling);
  return result;
});
