import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../infra/runtime/logger.js';
import { isTemporalOutage } from '../../../infra/temporal/outage.js';
import { aboutOrder } from '../../../workflows/about-order.js';
import type { LifecycleClient } from '../../../workflows/client.js';
import type { OrderLifecycles } from '../../application/ports.js';

/** More at once do not start more: they only compete with the workflows that are under way. */
const startsInFlight = 4;
/** What does not fit is left to the reconciler: memory stays bounded while Temporal is away. */
const longestQueue = 10_000;
const outageRestMs = 1000;

/**
 * The order workflows in Temporal, with a queue in memory of those about to be started. Losing the queue loses nothing:
 * the orders are in the database, and the reconciler starts the workflows of those that wait for too long.
 */
export function createOrderLifecycles(client: LifecycleClient, logger: Logger): OrderLifecycles & Stoppable {
  const waiting: string[] = [];
  const stopping = new AbortController();
  const starters = new Set<Promise<void>>();

  async function startWaiting(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await client.ensureStarted(next);
      } catch (error) {
        if (!isTemporalOutage(error)) {
          aboutOrder(logger, next).error(
            { err: error },
            'the workflow could not be started, the reconciler tries again',
          );
          continue;
        }
        waiting.unshift(next);
        logger.warn({ err: error, waiting: waiting.length }, 'Temporal is away or slow, the workflows start later');
        await sleep(outageRestMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
      if (stopping.signal.aborted) return;
    }
  }

  return {
    startSoon: (orderId) => {
      if (waiting.length >= longestQueue || stopping.signal.aborted) return;
      waiting.push(orderId);
      if (starters.size >= startsInFlight) return;
      const starter = startWaiting();
      starters.add(starter);
      void starter.finally(() => starters.delete(starter));
    },
    ensureStarted: (orderId) => client.ensureStarted(orderId),
    tellSettled: async ({ orderId, status, version }) => {
      if (status !== 'pending') await client.tellSettled(orderId, { status, version });
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(starters);
    },
  };
}

interface Stoppable {
  /** Finishes the starts under way; what still waits is found by the reconciler of another or the next instance. */
  stop(): Promise<void>;
}
