import { createHttpApp, createRouter } from '../../../http/http-app.js';
import { listen } from '../../../http/http-server.js';
import { createCleaner } from '../../../messaging/cleaner.js';
import { createOutboxRelay } from '../../../messaging/outbox-relay.js';
import { addMessagingMetrics } from '../../../metrics/messaging-metrics.js';
import { createRegistry } from '../../../metrics/registry.js';
import { isPostgresOutage } from '../../../postgres/outage.js';
import { createPool } from '../../../postgres/pool.js';
import { createPublisher } from '../../../rabbitmq/publisher.js';
import { repeat } from '../../../runtime/background-loop.js';
import { runService } from '../../../runtime/run-service.js';
import { createApplyOutcome } from '../../../../order-api/application/apply-outcome.js';
import { createPlaceOrder } from '../../../../order-api/application/place-order.js';
import { createReconcileOrders } from '../../../../order-api/application/reconcile-orders.js';
import { readConfig } from '../../../../order-api/config.js';
import { addOrderRoutes } from '../../../../order-api/infrastructure/http/order-routes.js';
import { addOrderMetrics } from '../../../../order-api/infrastructure/order-metrics.js';
import { createOrderStore } from '../../../../order-api/infrastructure/postgres/order-store.js';
import { createOrderProcessedConsumer } from '../../../../order-api/infrastructure/rabbitmq/order-processed-consumer.js';
import { orderLogger } from '../../../../workflows/client/order-logger.js';
import { orderCreated, orderTopology } from '../../../../workflows/order-events.js';
import { startDbosDriver } from './dbos-driver.js';
import type { Driver, DriverOptions } from './driver.js';
import { startOutboxLibrary } from './outbox-library.js';
import { peerVariable, type PeerName } from './peer.js';
import { startRestateDriver } from './restate-driver.js';

// The order API with a peer in the place of Temporal. All else is order-api/main.ts: the same routes, statements, batches,
// publisher and consumer, so that what differs in the figures comes from the driver.
const peer = process.env[peerVariable] as PeerName;

const drivers: Record<PeerName, (options: DriverOptions) => Promise<Driver>> = {
  dbos: startDbosDriver,
  restate: startRestateDriver,
  'outbox-library': startLibraryDriver,
};

await runService(readConfig, async (config, logger, service) => {
  const name = config.service.name;
  const pool = createPool(config.postgres.dsn, name, logger);
  service.onStop('Postgres', () => pool.end());
  // The library's column for "when to look" is its lock: a message with a grace would be published after it.
  const store = createOrderStore(pool, peer === 'outbox-library' ? 0 : config.reconcile.graceMs);
  const publisher = await createPublisher(config.rabbitmq.url, `${name} publisher`, orderTopology, logger);
  service.onStop('publisher', () => publisher.close());
  const log = ({ aggregateId }: { aggregateId: string }) => orderLogger(logger, aggregateId, undefined);
  const relay = createOutboxRelay({ pool, publisher, exchange: orderTopology.exchange, source: name, log });

  const { checkAfterMs } = config.workflow;
  const { dsn } = config.postgres;
  const driver = await drivers[peer]({ dsn, pool, store, relay, publisher, logger, checkAfterMs });
  service.onStop('driver', () => driver.stop());
  const { workflows } = driver;
  if (peer !== 'outbox-library') {
    const reconcileOrders = createReconcileOrders({ store, workflows });
    const pass = async (stopped: AbortSignal) => void (await reconcileOrders(stopped));
    service.run('reconciler', repeat('reconciler', config.reconcile.intervalMs, logger, pass));
    // The library's own cleaner removes from its own table.
    service.run('cleaner', createCleaner(pool, config.retention, logger));
  }

  const registry = createRegistry(name);
  const counts = addMessagingMetrics(registry, { pool, publisher, topology: orderTopology });
  const consumer = await createOrderProcessedConsumer({
    ...{ url: config.rabbitmq.url, service: name, publisher, logger, counts },
    applyOutcome: createApplyOutcome({ store, workflows }),
    onApplied: addOrderMetrics(registry, pool),
  });
  service.onStop('consumer', () => consumer.close());

  const router = createRouter();
  const placeOrder = createPlaceOrder({ store, workflows });
  addOrderRoutes(router, { placeOrder, store, maxConcurrent: config.http.maxConcurrentPosts });
  // It listens last, so whoever is answered has all it needs.
  router.get('/health', (ctx) => void (ctx.body = { status: 'ok' }));
  const server = await listen(createHttpApp(router, logger, isPostgresOutage), config.http.host, config.http.port);
  service.onStop('HTTP', () => server.stop());
});

/** The outbox is all there is: nobody is told of anything. */
async function startLibraryDriver(options: DriverOptions): Promise<Driver> {
  const stop = await startOutboxLibrary(options, orderCreated, 'order-api');
  const workflows = {
    startSoon: () => undefined,
    signalSettled: () => undefined,
    ensureWorkflows: () => Promise.resolve([]),
  };
  return { workflows, stop };
}
