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
import { createPool } from '../infra/postgres/pool.js';
import { createPublisher } from '../infra/rabbitmq/publisher.js';
import { createQueueInspector } from '../infra/rabbitmq/queue-inspector.js';
import { repeat } from '../infra/runtime/background-loop.js';
import { runService } from '../infra/runtime/run-service.js';
import { createTemporalLink } from '../infra/temporal/temporal-link.js';
import { createMetricsBuffer, installTemporalRuntime } from '../infra/temporal/runtime.js';
import { aboutOrder } from '../workflows/about-order.js';
import { createOrderWorkflowClient, searchAttributeTypes } from '../workflows/client.js';
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
import { createOrderWorkflows } from './infrastructure/temporal/order-workflows.js';
import { createSettlementWaiters } from './infrastructure/temporal/settlement-waiters.js';
import { createWorkflowStarter } from './infrastructure/temporal/workflow-starter.js';
import { createOrderApiWorker } from './infrastructure/temporal/worker.js';

await runService(readConfig, async (config, logger, service) => {
  const name = config.APP__SERVICE_NAME;
  const temporalMetrics = createMetricsBuffer();
  installTemporalRuntime(logger, temporalMetrics);

  // Postgres: the orders, their outbox and inbox.
  const migrations = fileURLToPath(new URL('./infrastructure/postgres/migrations', import.meta.url));
  await migrate(config.APP__DB_DSN, migrations, logger, service.stopping);
  const pool = createPool(config.APP__DB_DSN, name, logger);
  service.onStop('Postgres', () => pool.end());
  const store = createOrderStore(pool, config.APP__RECONCILE_GRACE_MS);
  const retention = { outboxDays: config.APP__OUTBOX_RETENTION_DAYS, inboxDays: config.APP__INBOX_RETENTION_DAYS };
  service.run('cleaner', createCleaner(pool, retention, logger));

  const sweeper = createOutboxSweeper({
    pool,
    intervalMs: config.APP__RECONCILE_INTERVAL_MS,
    isReady: () => true,
    sweep: (rows) =>
      markPublishedIfSettled(
        pool,
        rows.map(({ id }) => id),
      ),
    logger,
  });
  service.run('outbox sweeper', sweeper);

  // RabbitMQ, the way out.
  const publisher = await createPublisher(config.APP__RABBITMQ_URL, `${name} publisher`, orderTopology, logger);
  service.onStop('publisher', () => publisher.close());
  const log = (message: StoredOutboxMessage) => aboutOrder(logger, message.aggregateId, traceOf(message.headers));
  const relay = createOutboxRelay({ pool, publisher, exchange: orderTopology.exchange, source: name, log });

  // Temporal: one connection for the client and the worker.
  const { connectionOptions, namespace } = config.temporal;
  const temporal = createTemporalLink({
    connectionOptions,
    namespace,
    searchAttributes: searchAttributeTypes,
    createWorker: (connection) => createOrderApiWorker(connection, namespace, activities),
    logger,
  });
  const client = createOrderWorkflowClient(temporal);
  const starter = createWorkflowStarter({
    client,
    store,
    maxOrdersPerWorkflow: config.APP__ORDERS_PER_WORKFLOW,
    checkAfterMs: config.APP__CHECK_AFTER_MS,
    logger,
  });
  const waiters = createSettlementWaiters({ findSettled: (orderIds) => store.findSettled(orderIds) });
  const isQueueEmpty = createQueueInspector(publisher);
  const onPublished = (workflowId: string) => starter.firstEventsPublished(workflowId);
  const activities = createOrderApiActivities({ relay, waiters, isQueueEmpty, onPublished });
  service.run('Temporal worker', temporal);
  service.onStop('workflow starts', () => starter.stop());
  const workflows = createOrderWorkflows({ client, starter, waiters, logger });

  // Pending orders without a running workflow are given one.
  const reconcileOrders = createReconcileOrders({ store, workflows });
  const reconciler = repeat('reconciler', config.APP__RECONCILE_INTERVAL_MS, logger, async (stopped) => {
    const orders = await reconcileOrders(stopped);
    if (orders > 0) logger.info({ orders }, 'looked for the workflows of pending orders');
  });
  service.run('reconciler', reconciler);

  // What is counted, for Prometheus.
  const registry = createRegistry(name);
  const counts = addMessagingMetrics(registry, { pool, publisher, topology: orderTopology });
  const onApplied = addOrderMetrics(registry, pool);
  addTemporalMetrics(registry, temporalMetrics);

  // RabbitMQ, the way in.
  const applyOutcome = createApplyOutcome({ store, workflows });
  const consumer = await createOrderProcessedConsumer({
    url: config.APP__RABBITMQ_URL,
    service: name,
    publisher,
    applyOutcome,
    logger,
    counts,
    onApplied,
  });
  service.onStop('consumer', () => consumer.close());

  // HTTP.
  const router = createRouter();
  const placeOrder = createPlaceOrder({ store, workflows });
  addOrderRoutes(router, { placeOrder, store, maxConcurrent: config.APP__POSTS_AT_ONCE });
  addHealthRoutes(router, name, {
    postgres: () => pool.query('select 1').then(() => true),
    rabbitmq: () => Promise.resolve(publisher.isUp() && consumer.isUp()),
    temporal: () => temporal.isUp(1000),
  });
  addMetricsRoute(router, registry);
  const maxConnections = connectionLimit(config.APP__MAX_CONNECTIONS);
  const server = await listen(createHttpApp(router, logger), config.APP__HOST, config.APP__PORT, { maxConnections });
  service.onStop('HTTP', () => server.stop());
  logger.info({ host: config.APP__HOST, port: server.port, max_connections: maxConnections }, 'order-api is listening');
});
