import { createSettlementWaiters } from '../../../../order-api/infrastructure/temporal/settlement-waiters.js';
import { maxRounds, stepsOf, workflowsOn, type Driver, type DriverOptions } from './driver.js';
import { loadPeerPackage } from './packages.js';

interface Waiting<Result> {
  orTimeout(ms: number): Promise<Result>;
}

interface Context {
  run<Result>(name: string, run: () => Promise<Result>): Promise<Result>;
  promise(name: string): { get(): Waiting<string>; resolve(value: string): Promise<void> };
}

interface Handlers {
  run(context: Context, orderId: string): Promise<void>;
  settled(context: Context, status: string): Promise<void>;
}

/** The part of @restatedev/restate-sdk that this driver uses. */
interface RestateSdk {
  workflow(definition: { name: string; handlers: Handlers }): unknown;
  serve(options: { services: readonly unknown[]; port: number }): Promise<number>;
  readonly TimeoutError: new () => Error;
}

/** The part of @restatedev/restate-sdk-clients that this driver uses. */
interface RestateClients {
  connect(options: { url: string }): {
    workflowClient(
      workflow: unknown,
      key: string,
    ): { workflowSubmit(orderId: string): Promise<unknown>; settled(status: string): Promise<void> };
  };
}

/** The variables by which the benchmark says where the Restate server is, and where the server finds this process. */
export const restateVariables = {
  ingress: 'PEER_RESTATE_INGRESS',
  admin: 'PEER_RESTATE_ADMIN',
  endpointPort: 'PEER_RESTATE_ENDPOINT_PORT',
} as const;

const registerLimitMs = 30_000;
const settledPromise = 'settled';

/**
 * Runs a Restate workflow for each order, keyed by the order's id, with the same steps as in this system: publish the
 * order's event, wait briefly for the settlement in this process, then wait for a promise, and republish if that takes
 * too long. Restate itself retries a failed step. The workflow is started after the order's commit, as in this system,
 * and the same reconciler starts it if the process died in between.
 */
export async function startRestateDriver(options: DriverOptions): Promise<Driver> {
  const { store, logger, checkAfterMs } = options;
  addWithResolvers();
  const sdk = loadPeerPackage('@restatedev/restate-sdk') as RestateSdk;
  const clients = loadPeerPackage('@restatedev/restate-sdk-clients') as RestateClients;
  const waiters = createSettlementWaiters({ findSettled: (orderIds) => store.findSettled(orderIds) });
  const steps = stepsOf(options, waiters);

  async function run(context: Context, orderId: string): Promise<void> {
    await context.run('publish order.created', () => steps.publish(orderId));
    if (await context.run('await the outcome', () => steps.awaitSettled(orderId))) return;
    for (let round = 1; round <= maxRounds; round += 1) {
      try {
        await context.promise(settledPromise).get().orTimeout(checkAfterMs);
        return;
      } catch (error) {
        if (!(error instanceof sdk.TimeoutError)) throw error;
      }
      if (await context.run('look for the outcome', () => steps.isSettled(orderId))) return;
      await context.run('publish order.created again', () => steps.republish(orderId));
    }
  }

  const settled = (context: Context, status: string) => context.promise(settledPromise).resolve(status);
  const lifecycle = sdk.workflow({ name: 'orderLifecycle', handlers: { run, settled } });
  await register(await sdk.serve({ services: [lifecycle], port: Number(process.env[restateVariables.endpointPort]) }));
  const ingress = clients.connect({ url: process.env[restateVariables.ingress] ?? '' });
  const engine = {
    start: (orderId: string) => ingress.workflowClient(lifecycle, orderId).workflowSubmit(orderId),
    signalSettled: (orderId: string, status: string) => ingress.workflowClient(lifecycle, orderId).settled(status),
  };
  // There is nothing to stop: the server resumes the workflows that are in progress.
  return { workflows: workflowsOn(engine, waiters, logger), stop: () => Promise.resolve() };
}

/** Tells the server where this process serves the steps of its workflows. */
async function register(port: number): Promise<void> {
  const response = await fetch(`${process.env[restateVariables.admin] ?? ''}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
    signal: AbortSignal.timeout(registerLimitMs),
  });
  if (!response.ok) throw new Error(`Restate answered ${response.status}: ${await response.text()}`);
}

/** Adds Promise.withResolvers, which the SDK takes for granted but Node has only since version 22. */
function addWithResolvers(): void {
  Object.assign(Promise, {
    withResolvers: <Value>() => {
      let resolvers: { resolve: (value: Value) => void; reject: (reason: unknown) => void } | undefined;
      const promise = new Promise<Value>((resolve, reject) => (resolvers = { resolve, reject }));
      return { promise, ...resolvers };
    },
  });
}
