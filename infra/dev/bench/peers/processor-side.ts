import { createHttpApp, createRouter } from '../../../http/http-app.js';
import { listen } from '../../../http/http-server.js';
import { createCleaner } from '../../../messaging/cleaner.js';
import { createOutboxRelay } from '../../../messaging/outbox-relay.js';
import { createOutboxSweeper } from '../../../messaging/outbox-sweeper.js';
import { addMessagingMetrics } from '../../../metrics/messaging-metrics.js';
import { createRegistry } from '../../../metrics/registry.js';
import { isPostgresOutage } from '../../../postgres/outage.js';
import { createPool } from '../../../postgres/pool.js';
import { createPublisher } from '../../../rabbitmq/publisher.js';
import { runService } from '../../../runtime/run-service.js';
import { createProcessOrder } from '../../../../processor/application/process-order.js';
import type { OutcomePublisher } from '../../../../processor/application/ports.js';
import { readConfig } from '../../../../processor/config.js';
import { decide } from '../../../../processor/domain/decision.js';
import { createProcessingStore } from '../../../../processor/infrastructure/postgres/processing-store.js';
import { createPublishOutcomes } from '../../../../processor/infrastructure/publish-outcomes.js';
import { createOrderCreatedConsumer } from '../../../../processor/infrastructure/rabbitmq/order-created-consumer.js';
import { orderLogger } from '../../../../workflows/client/order-logger.js';
import { orderProcessed, orderTopology } from '../../../../workflows/order-events.js';
import { startOutboxLibrary } from './outbox-library.js';
import { peerVariable } from './peer.js';

// The processor without Temporal. If the peer has workflows, an outcome is published before its message is
// acknowledged, as in this system, so the message is redelivered after a crash in between. The library publishes
// outcomes from the outbox.
const isLibrary = process.env[peerVariable] === 'outbox-library';

await runService(readConfig, async (config, logger, service) => {
  const name = config.service.name;
  const pool = createPool(config.postgres.dsn, name, logger);
  service.onStop('Postgres', () => pool.end());
  const store = createProcessingStore(pool, isLibrary ? 0 : config.reconcile.graceMs);
  const publisher = await createPublisher(config.rabbitmq.url, `${name} publisher`, orderTopology, logger);
  service.onStop('publisher', () => publisher.close());

  let outcomes: OutcomePublisher = { publish: () => Promise.resolve() };
  if (isLibrary) {
    const stop = await startOutboxLibrary({ pool, publisher, logger, dsn: config.postgres.dsn }, orderProcessed, name);
    service.onStop('outbox library', stop);
  } else {
    const log = ({ aggregateId }: { aggregateId: string }) => orderLogger(logger, aggregateId, undefined);
    const relay = createOutboxRelay({ pool, publisher, exchange: orderTopology.exchange, source: name, log });
    const publishOutcomes = createPublishOutcomes(relay);
    const republishAfterMs = config.workflow.checkAfterMs / 2;
    outcomes = {
      publish: async ({ orderId }, first) =>
        void (await publishOutcomes([orderId], first ? undefined : republishAfterMs)),
    };
    const sweeper = createOutboxSweeper({
      ...{ pool, logger, intervalMs: config.reconcile.intervalMs, isReady: () => publisher.isUp() },
      sweep: async (rows) => void (await publishOutcomes(rows.map(({ aggregateId }) => aggregateId))),
    });
    service.run('outbox sweeper', sweeper);
    service.run('cleaner', createCleaner(pool, config.retention, logger));
  }

  const counts = addMessagingMetrics(createRegistry(name), { pool, publisher, topology: orderTopology });
  const processOrder = createProcessOrder({
    ...{ store, outcomes, decide: () => decide(config.processing.successRate, Math.random) },
    // No workflow takes over an outcome that could not be published; its message is redelivered.
    workflows: { signalOutcomeReady: () => Promise.resolve(false) },
  });
  const url = config.rabbitmq.url;
  const consumer = await createOrderCreatedConsumer({ url, service: name, publisher, processOrder, logger, counts });
  service.onStop('consumer', () => consumer.close());

  const router = createRouter();
  router.get('/health', (ctx) => void (ctx.body = { status: 'ok' }));
  const server = await listen(createHttpApp(router, logger, isPostgresOutage), config.http.host, config.http.port);
  service.onStop('HTTP', () => server.stop());
});
