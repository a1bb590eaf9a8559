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
import { addTemporalMetrics } from '../infra/metrics/temporal-metrics.js';
import { migrate } from '../infra/postgres/migrate.js';
import { isPostgresOutage } from '../infra/postgres/outage.js';
import { createPool } from '../infra/postgres/pool.js';
import { createPublisher } from '../infra/rabbitmq/publisher.js';
import { createQueueInspector } from '../infra/rabbitmq/queue-inspector.js';
import { repeat } from '../infra/runtime/background-loop.js';
import { runService } from '../infra/runtime/run-service.js';
import { createTemporalConnection } from '../infra/temporal/temporal-connection.js';
import { createMetricsBuffer, installTemporalRuntime } from '../infra/temporal/runtime.js';
import { orderLogger } from '../workflows/client/order-logger.js';
import { createOrderWorkflowClient, searchAttributeTypes } from '../workflows/client/order-workflow-client.js';
import { orderTopology } from '../workflows/order-events.js';
import { createApplyOutcome } from './application/apply-outcome.js';
import { createPlaceOrder } from './application/place-order.js';
import { createReconcileOrders } from './application/reconcile-orders.js';
import { readConfig } from './config.js';
import { addOrderRoutes } from './infrastructure/http/order-routes.js';
import { addOrderMetrics } from './infrastructure/order-metrics.js';
import { createOrderStore, markPublishedIfSettled } from './infrastructure/postgres/order-store.js';
import { createOrderProcessedConsumer } from './infrastructure/rabbitmq/order-processed-consumer.js';
import { createOrderApiActivities } from './infrastructure/temporal/activities.js';
import { createFirstEvents } from './infrastructure/temporal/first-events.js';
import { createOrderWorkflows } from './infrastructure/temporal/order-workflows.js';
import { createSettlementWaiters } from './infrastructure/temporal/settlement-waiters.js';
import { createWorkflowStarter } from './infrastructure/temporal/workflow-starter.js';
import { createOrderApiWorker } from './infrastructure/temporal/worker.js';

await runService(readConfig, async (config, logger, service) => {
  const name = config.service.name;
  const temporalMetrics = createMetricsBuffer();
  installTemporalRuntime(logger, temporalMetrics);

  // Postgres: the orders, their outbox and inbox.
  const migrations = fileURLToPath(new URL('./infrastructure/postgres/migrations', import.meta.url));
  await migrate(config.postgres.dsn, migrations, logger, service.stopping);
  const pool = createPool(config.postgres.dsn, name, logger);
  service.onStop('Postgres', () => pool.end());
  const store = createOrderStore(pool, config.reconcile.graceMs);
  service.run('cleaner', createCleaner(pool, config.retention, logger));

  const sweeper = createOutboxSweeper({
    pool,
    intervalMs: config.reconcile.intervalMs,
    isReady: () => true,
    sweep: (rows) =>
      markPublishedIfSettled(
        pool,
        rows.map(({ id }) => id),
      ),
    logger,
  });
  service.run('outbox sweeper', sweeper);

  // RabbitMQ, outgoing: the publisher and the outbox relay.
  const publisher = await createPublisher(config.rabbitmq.url, `${name} publisher`, orderTopology, logger);
  service.onStop('publisher', () => publisher.close());
  const log = (message: StoredOutboxMessage) => orderLogger(logger, message.aggregateId, traceOf(message.headers));
  const relay = createOutboxRelay({ pool, publisher, exchange: orderTopology.exchange, source: name, log });

  // Temporal: the activities of this service, and one connection for the client and the worker.
  const maxOrdersPerWorkflow = config.workflow.maxOrders;
  const firstEvents = createFirstEvents(maxOrdersPerWorkflow);
  const waiters = createSettlementWaiters({ findSettled: (orderIds) => store.findSettled(orderIds) });
  const isQueueEmpty = createQueueInspector(publisher);
  const activities = createOrderApiActivities({ relay, waiters, isQueueEmpty, firstEvents });
  const { connectionOptions, namespace } = config.temporal;
  const temporal = createTemporalConnection({
    connectionOptions,
    namespace,
    searchAttributes: searchAttributeTypes,
    createWorker: (connection) => createOrderApiWorker(connection, namespace, activities),
    logger,
  });
  const client = createOrderWorkflowClient(temporal);
  const checkAfterMs = config.workflow.checkAfterMs;
  const starter = createWorkflowStarter({ client, store, maxOrdersPerWorkflow, checkAfterMs, firstEvents, logger });
  service.run('Temporal worker', temporal);
  service.onStop('workflow starts', () => starter.stop());
  const workflows = createOrderWorkflows({ client, starter, waiters, logger });

  // The reconciler starts a workflow for every pending order that has none running.
  const reconcileOrders = createReconcileOrders({ store, workflows });
  const reconciler = repeat('reconciler', config.reconcile.intervalMs, logger, async (stopped) => {
    const orders = await reconcileOrders(stopped);
    if (orders > 0) logger.info({ orders }, 'checked the workflows of pending orders');
  });
  service.run('reconciler', reconciler);

  // Metrics for Prometheus.
  const registry = createRegistry(name);
  const counts = addMessagingMetrics(registry, { pool, publisher, topology: orderTopology });
  const onApplied = addOrderMetrics(registry, pool);
  addTemporalMetrics(registry, temporalMetrics);

  // RabbitMQ, incoming: the consumer of outcomes.
  const applyOutcome = createApplyOutcome({ store, workflows });
  const consumer = await createOrderProcessedConsumer({
    url: config.rabbitmq.url,
    service: name,
    publisher,
    applyOutcome,
    logger,
    counts,
    onApplied,
  });
  service.onStop('consumer', () => consumer.close());

  // HTTP: orders, health and metrics.
  const router = createRouter();
  const placeOrder = createPlaceOrder({ store, workflows });
  addOrderRoutes(router, { placeOrder, store, maxConcurrent: config.http.maxConcurrentPosts });
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
  logger.info({ host: config.http.host, port: server.port, max_connections: maxConnections }, 'order-api is listening');
});
