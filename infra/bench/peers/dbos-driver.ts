import { orderCreated } from '../../../workflows/order-events.js';
import { maxRounds, type Driver, type DriverOptions } from './driver.js';
import { loadPeerPackage } from './packages.js';

/** What is used of @dbos-inc/dbos-sdk. */
interface Dbos {
  setConfig(config: { name: string; systemDatabaseUrl: string; logLevel: string }): void;
  launch(): Promise<void>;
  shutdown(): Promise<void>;
  registerWorkflow<Run>(run: Run, config: { name: string }): Run;
  startWorkflow(
    run: (orderId: string) => Promise<void>,
    options: { workflowID: string },
  ): (orderId: string) => Promise<unknown>;
  runStep<Result>(
    run: () => Promise<Result>,
    options: { name: string; retriesAllowed: boolean; maxAttempts: number; intervalSeconds: number },
  ): Promise<Result>;
  recv(topic: string, options: { timeoutSeconds: number }): Promise<unknown>;
  send(workflowId: string, message: string, topic: string): Promise<void>;
}

const settledTopic = 'settled';
/** A second, then twice as long each time: an hour of trying. */
const retries = { retriesAllowed: true, maxAttempts: 12, intervalSeconds: 1 };

/**
 * A DBOS workflow for each order: publish its event, wait until it is settled, publish again when that takes too long. Its
 * tables are a schema of the orders' database. It is started after the order's commit, as ours is, and the same reconciler
 * starts it where the process died in between; DBOS itself resumes what was running.
 */
export async function startDbosDriver(options: DriverOptions): Promise<Driver> {
  const { dsn, store, relay, logger, checkAfterMs } = options;
  const { DBOS } = loadPeerPackage('@dbos-inc/dbos-sdk') as { DBOS: Dbos };
  const { type, dataversion } = orderCreated;
  const publish = (orderId: string, republishAfterMs?: number) =>
    relay.publish({ aggregateIds: [orderId], type, dataversion, republishAfterMs });

  async function orderLifecycle(orderId: string): Promise<void> {
    await DBOS.runStep(() => publish(orderId), { name: 'publish order.created', ...retries });
    for (let round = 1; round <= maxRounds; round += 1) {
      if ((await DBOS.recv(settledTopic, { timeoutSeconds: checkAfterMs / 1000 })) !== null) return;
      const isSettled = async () => (await store.findSettled([orderId])).length > 0;
      if (await DBOS.runStep(isSettled, { name: 'look at the order', ...retries })) return;
      await DBOS.runStep(() => publish(orderId, checkAfterMs / 2), { name: 'publish again', ...retries });
    }
  }

  const lifecycle = DBOS.registerWorkflow(orderLifecycle, { name: 'orderLifecycle' });
  DBOS.setConfig({ name: 'order-api', systemDatabaseUrl: dsn, logLevel: 'warn' });
  await DBOS.launch();
  const start = (orderId: string) => DBOS.startWorkflow(lifecycle, { workflowID: orderId })(orderId);
  return {
    workflows: {
      startSoon: (orderId) =>
        void start(orderId).catch((error: unknown) => logger.warn({ err: error }, 'a workflow was not started')),
      ensureWorkflows: async (orders) => {
        const ids = orders.map(({ orderId }) => orderId);
        const starts = await Promise.allSettled(ids.map(start));
        return ids.filter((_, index) => starts[index]?.status === 'fulfilled');
      },
      tellSettled: ({ orderId, status }) =>
        void DBOS.send(orderId, status, settledTopic).catch((error: unknown) =>
          logger.warn({ err: error }, 'a workflow was not told'),
        ),
    },
    stop: () => DBOS.shutdown(),
  };
}
