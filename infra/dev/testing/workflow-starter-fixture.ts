import { testLogger } from './test-logger.js';
import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { OrderStore, PendingOrder } from '../../../order-api/application/ports.js';
import { createFirstEvents } from '../../../order-api/infrastructure/temporal/first-events.js';
import { createWorkflowStarter } from '../../../order-api/infrastructure/temporal/workflow-starter.js';

export function orderIds(letters: string): string[] {
  return Array.from(letters);
}

export interface Situation {
  maxOrdersPerWorkflow?: number;
  /** Orders whose workflows Temporal refuses to start. */
  refused?: ReadonlySet<string>;
  takenIds?: ReadonlySet<string>;
  runningIds?: ReadonlySet<string>;
  firstEventsMaxWaitMs?: number;
  outageDelayMs?: number;
}

let open: (() => Promise<void>)[] = [];

/** Ends what the starters of a test still wait for, and stops them. Every suite calls it after each test. */
export async function stopStarters(): Promise<void> {
  const all = open;
  open = [];
  await Promise.all(all.map((stop) => stop()));
}

/**
 * Returns a workflow starter on a store and a client that answer as the situation says. A start call returns when the
 * test completes it.
 */
export function setUpStarter(situation: Situation = {}) {
  const { maxOrdersPerWorkflow = 100, refused, takenIds, runningIds } = situation;
  const { firstEventsMaxWaitMs = 60_000, outageDelayMs = 60_000 } = situation;
  /** The workflow id and the order ids of each start call. */
  const started: string[][] = [];
  const checked: string[] = [];
  const calls: { workflowId: string; complete: () => void }[] = [];
  const taken = new Set<string>();
  let failure: Error | undefined;
  const fakeClient: Pick<OrderWorkflowClient, 'start' | 'signalCheckNow'> = {
    start: async (workflowId, { orderIds }) => {
      started.push([workflowId, ...orderIds]);
      await new Promise<void>((complete) => calls.push({ workflowId, complete }));
      const error = failure;
      failure = undefined;
      if (error) throw error;
      if (orderIds.some((id) => refused?.has(id))) throw new Error('refused');
      if (runningIds?.has(workflowId)) return 'running';
      return takenIds?.has(workflowId) ? 'taken' : 'started';
    },
    signalCheckNow: async (workflowId) => checked.push(workflowId) > 0,
  };
  const firstEvents = createFirstEvents(maxOrdersPerWorkflow, firstEventsMaxWaitMs);
  const starter = createWorkflowStarter({
    client: fakeClient,
    store: storeWithout(taken),
    maxOrdersPerWorkflow,
    checkAfterMs: 30_000,
    outageDelayMs,
    firstEvents,
    logger: testLogger,
  });
  const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
  /** Lets the oldest open start call return, and returns the id of its workflow. */
  const completeStartCall = async () => {
    const call = calls.shift();
    call?.complete();
    await turn();
    return call?.workflowId;
  };
  const publishEvents = (workflowId: string) => firstEvents.attempted(workflowId, true);
  const failToPublish = (workflowId: string) => firstEvents.attempted(workflowId, false);
  /** Lets the oldest start publish its first events. */
  const finishStart = async () => {
    const workflowId = await completeStartCall();
    if (workflowId !== undefined) publishEvents(workflowId);
    await turn();
  };
  /** Lets every start publish its first events, until no start is left. */
  const finishAll = async () => {
    for (let quiet = 0; quiet < 3; quiet = calls.length > 0 ? 0 : quiet + 1) await finishStart();
  };
  open.push(async () => {
    const stopped = starter.stop();
    await finishAll();
    for (const [workflowId = ''] of started) publishEvents(workflowId);
    await stopped;
  });
  const failWith = (error: Error) => (failure = error);
  return {
    starter,
    started,
    checked,
    finishStart,
    taken,
    turn,
    completeStartCall,
    publishEvents,
    failToPublish,
    finishAll,
    failWith,
  };
}

/** Returns a store in which every order can be assigned but those that are taken. */
function storeWithout(taken: ReadonlySet<string>): Pick<OrderStore, 'assignWorkflow'> {
  return {
    assignWorkflow: async (orders: readonly PendingOrder[]) =>
      orders.map(({ orderId }) => orderId).filter((orderId) => !taken.has(orderId)),
  };
}
