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

// The order API with a peer in place of Temporal. Everything else is the same as in order-api/main.ts: routes,
// statements, batches, publisher and consumer. Any difference in the figures therefore comes from the driver.
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
  // The library uses the column `check_at` as its lock, so a grace period would delay every message.
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
    // The library has a cleaner of its own for its table.
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
  // The service listens last, so it has everything it needs once it answers.
  router.get('/health', (ctx) => void (ctx.body = { status: 'ok' }));
  const server = await listen(createHttpApp(router, logger, isPostgresOutage), config.http.host, config.http.port);
  service.onStop('HTTP', () => server.stop());
});

/** With the library there is only the outbox: no workflow is started or signalled. */
async function startLibraryDriver(options: DriverOptions): Promise<Driver> {
  const stop = await startOutboxLibrary(options, orderCreated, 'order-api');
  const workflows = {
    startSoon: () => undefined,
    signalSettled: () => undefined,
    ensureWorkflows: () => Promise.resolve([]),
  };
  return { workflows, stop };
}
