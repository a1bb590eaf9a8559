import type { Logger } from '../../../infra/runtime/logger.js';
import { aboutOrder } from '../../../workflows/about-order.js';
import type { LifecycleClient } from '../../../workflows/client.js';
import type { OrderLifecycles } from '../../application/ports.js';

const startsInFlight = 10;
/** What does not fit is left to the reconciler: memory stays bounded while Temporal is slow. */
const longestQueue = 10_000;

/** The order workflows in Temporal, with a queue of orders whose workflow is about to be started. */
export function createOrderLifecycles(client: LifecycleClient, logger: Logger) {
  const waiting: string[] = [];
  const starting = new Set<Promise<void>>();
  let stopped = false;

  async function start(orderId: string): Promise<void> {
    try {
      await client.ensureStarted(orderId);
    } catch (error) {
      aboutOrder(logger, orderId).warn({ err: error }, 'the workflow could not be started, the reconciler will');
    }
  }

  function startNext(): void {
    while (!stopped && starting.size < startsInFlight) {
      const orderId = waiting.shift();
      if (orderId === undefined) return;
      const work = start(orderId);
      starting.add(work);
      void work.finally(() => {
        starting.delete(work);
        startNext();
      });
    }
  }

  const lifecycles: OrderLifecycles & { stop(): Promise<void> } = {
    startSoon: (orderId) => {
      if (waiting.length >= longestQueue) return;
      waiting.push(orderId);
      startNext();
    },
    ensureStarted: (orderId) => client.ensureStarted(orderId),
    tellSettled: async ({ orderId, status, version }) => {
      if (status === 'pending') return;
      await client.tellSettled(orderId, { status, version });
    },
    /** Finishes the starts under way; what still waits is found by the reconciler of the next instance. */
    stop: async () => {
      stopped = true;
      await Promise.all(starting);
    },
  };
  return lifecycles;
}
