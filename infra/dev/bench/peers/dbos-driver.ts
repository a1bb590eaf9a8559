import { createSettlementWaiters } from '../../../../order-api/infrastructure/temporal/settlement-waiters.js';
import { maxRounds, stepsOf, workflowsOn, type Driver, type DriverOptions } from './driver.js';
import { loadPeerPackage } from './packages.js';

/** The part of @dbos-inc/dbos-sdk that this driver uses. */
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
/** The delay is 1 s at first and doubles each time, which adds up to about an hour. */
const retries = { retriesAllowed: true, maxAttempts: 12, intervalSeconds: 1 };

/**
 * Runs a DBOS workflow for each order, with the same steps as in this system: publish the order's event, wait briefly
 * for the settlement in this process, then wait for a message, and republish if that takes too long. The tables of DBOS
 * are a schema of the order database. The workflow is started after the order's commit, as in this system, and the same
 * reconciler starts it if the process died in between. DBOS itself resumes the workflows that were running.
 */
export async function startDbosDriver(options: DriverOptions): Promise<Driver> {
  const { dsn, store, logger, checkAfterMs } = options;
  const { DBOS } = loadPeerPackage('@dbos-inc/dbos-sdk') as { DBOS: Dbos };
  const waiters = createSettlementWaiters({ findSettled: (orderIds) => store.findSettled(orderIds) });
  const steps = stepsOf(options, waiters);
  const step = <Result>(name: string, run: () => Promise<Result>) => DBOS.runStep(run, { name, ...retries });

  async function orderLifecycle(orderId: string): Promise<void> {
    await step('publish order.created', () => steps.publish(orderId));
    if (await step('await the outcome', () => steps.awaitSettled(orderId))) return;
    for (let round = 1; round <= maxRounds; round += 1) {
      if ((await DBOS.recv(settledTopic, { timeoutSeconds: checkAfterMs / 1000 })) !== null) return;
      if (await step('look for the outcome', () => steps.isSettled(orderId))) return;
      await step('publish order.created again', () => steps.republish(orderId));
    }
  }

  const lifecycle = DBOS.registerWorkflow(orderLifecycle, { name: 'orderLifecycle' });
  DBOS.setConfig({ name: 'order-api', systemDatabaseUrl: dsn, logLevel: 'warn' });
  await DBOS.launch();
  const engine = {
    start: (orderId: string) => DBOS.startWorkflow(lifecycle, { workflowID: orderId })(orderId),
    signalSettled: (orderId: string, status: string) => DBOS.send(orderId, status, settledTopic),
  };
  return { workflows: workflowsOn(engine, waiters, logger), stop: () => DBOS.shutdown() };
}
