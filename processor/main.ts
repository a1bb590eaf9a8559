import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectionLimit } from '../infra/http/connection-limit.js';
import { addHealthRoutes } from '../infra/http/health-routes.js';
import { createHttpApp, createRouter } from '../infra/http/http-app.js';
import { listen } from '../infra/http/http-server.js';
import { createCleaner } from '../infra/messaging/cleaner.js';
import { traceOf } from '../infra/messaging/envelope.js';
import type { StoredOutboxMessage } from '../infra/messaging/outbox.js';
import { createOutboxRelay } from '../infra/messaging/outbox-relay.js';
import { createOutboxSweeper } from '../infra/messaging/outbox-sweeper.js';
import { addMessagingMetrics } from '../infra/metrics/messaging-metrics.js';
import { addMetricsRoute } from '../infra/metrics/metrics-route.js';
import { createRegistry } from '../infra/metrics/registry.js';
import { migrate } from '../infra/postgres/migrate.js';
import { isPostgresOutage } from '../infra/postgres/outage.js';
import { createPool } from '../infra/postgres/pool.js';
import { createPublisher } from '../infra/rabbitmq/publisher.js';
import { createQueueInspector } from '../infra/rabbitmq/queue-inspector.js';
import { runService } from '../infra/runtime/run-service.js';
import { createTemporalConnection } from '../infra/temporal/temporal-connection.js';
import { installTemporalRuntime } from '../infra/temporal/runtime.js';
import { orderLogger } from '../workflows/client/order-logger.js';
import { createOrderWorkflowClient, searchAttributeTypes } from '../workflows/client/order-workflow-client.js';
import { orderTopology } from '../workflows/order-events.js';
import { createProcessOrder } from './application/process-order.js';
import { readConfig } from './config.js';
import { decide } from './domain/decision.js';
import { createProcessingStore } from './infrastructure/postgres/processing-store.js';
import { createPublishOutcomes } from './infrastructure/publish-outcomes.js';
import { createOrderCreatedConsumer } from './infrastructure/rabbitmq/order-created-consumer.js';
import { createProcessorActivities } from './infrastructure/temporal/activities.js';
import { createOrderWorkflows } from './infrastructure/temporal/order-workflows.js';
import { createProcessorWorker } from './infrastructure/temporal/worker.js';

await runService(readConfig, async (config, logger, service) => {
  const name = config.service.name;
  installTemporalRuntime(logger);

  // Postgres: the outcomes, their outbox and inbox.
  const migrations = fileURLToPath(new URL('./infrastructure/postgres/migrations', import.meta.url));
  await migrate(config.postgres.dsn, migrations, logger, service.stopping);
  const pool = createPool(config.postgres.dsn, name, logger);
  service.onStop('Postgres', () => pool.end());
  const store = createProcessingStore(pool, config.reconcile.graceMs);
  service.run('cleaner', createCleaner(pool, config.retention, logger));

  // RabbitMQ, outgoing: the publisher and the outbox relay.
  const publisher = await createPublisher(config.rabbitmq.url, `${name} publisher`, orderTopology, logger);
  service.onStop('publisher', () => publisher.close());
  const log = (message: StoredOutboxMessage) => orderLogger(logger, message.aggregateId, traceOf(message.headers));
  const relay = createOutboxRelay({ pool, publisher, exchange: orderTopology.exchange, source: name, log });

  const publishOutcomes = createPublishOutcomes(relay);
  const sweeper = createOutboxSweeper({
    pool,
    intervalMs: config.reconcile.intervalMs,
    isReady: () => publisher.isUp(),
    sweep: async (rows) => void (await publishOutcomes(rows.map(({ aggregateId }) => aggregateId))),
    logger,
  });
  service.run('outbox sweeper', sweeper);

  // Temporal: one connection for the client and the worker.
  const { connectionOptions, namespace } = config.temporal;
  const isQueueEmpty = createQueueInspector(publisher);
  const activities = createProcessorActivities({ store, publishOutcomes, isQueueEmpty });
  const temporal = createTemporalConnection({
    connectionOptions,
    namespace,
    searchAttributes: searchAttributeTypes,
    createWorker: (connection) => createProcessorWorker(connection, namespace, activities),
    logger,
  });
  service.run('Temporal worker', temporal);
  const workflows = createOrderWorkflows(createOrderWorkflowClient(temporal));

  // Metrics for Prometheus.
  const registry = createRegistry(name);
  const counts = addMessagingMetrics(registry, { pool, publisher, topology: orderTopology });

  // RabbitMQ, incoming: the consumer of new orders.
  const { minMs, maxMs } = config.processing.delay;
  const processOrder = createProcessOrder({
    store,
    outcomes: {
      publish: async ({ orderId }, first) =>
        void (await publishOutcomes([orderId], first ? undefined : config.workflow.checkAfterMs / 2)),
    },
    workflows,
    decide: () => decide(config.processing.successRate, Math.random),
    // A stop does not cut this short, because that would count as a failed attempt of a valid message.
    work: maxMs > 0 ? () => sleep(minMs + Math.random() * (maxMs - minMs)) : undefined,
  });
  const consumer = await createOrderCreatedConsumer({
    url: config.rabbitmq.url,
    service: name,
    publisher,
    processOrder,
    logger,
    counts,
  });
  service.onStop('consumer', () => consumer.close());

  // HTTP: health and metrics only.
  const router = createRouter();
  addHealthRoutes(router, name, {
    postgres: () => pool.query('select 1').then(() => true),
    rabbitmq: () => Promise.resolve(publisher.isUp() && consumer.isUp()),
    temporal: () => temporal.isUp(1000),
  });
  addMetricsRoute(router, registry);
  const maxConnections = connectionLimit(config.http.maxConnections);
  const server = await listen(createHttpApp(router, logger, isPostgresOutage), config.http.host, config.http.port, {
    maxConnections,
  });
  service.onStop('HTTP', () => server.stop());
  logger.info({ host: config.http.host, port: server.port, max_connections: maxConnections }, 'processor is listening');
});
