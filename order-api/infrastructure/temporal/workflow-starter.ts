import { setTimeout as sleep } from 'node:timers/promises';
import { takeGroup, type OrderGroup } from './order-groups.js';
import type { PendingOrder } from '../../application/ports.js';
import { createGroupStart, isStartOutage, type GroupStartOptions } from './start-group.js';

export interface WorkflowStarterOptions extends GroupStartOptions {
  /** How many orders share a workflow at most. 1: each has its own, always. */
  readonly maxOrdersPerWorkflow: number;
}

/** Group commit into Temporal. */
export interface WorkflowStarter {
  /**
   * Has the order's workflow started soon, off the caller's path: alone at once unless starts queue up, else together with
   * the others that wait. Never throws, never waits.
   */
  startSoon(orderId: string): void;
  /**
   * Starts workflows for these orders now, in groups. Returns the ids of those that could not be started since Temporal or
   * the database is unavailable; one that Temporal refuses is logged. Never throws.
   */
  startAll(orders: readonly PendingOrder[]): Promise<string[]>;
  /** Finishes the starts under way; what still waits is found by the reconciler of another or the next instance. */
  stop(): Promise<void>;
}

/**
 * How many starts are in flight at once. A start counts until its workflow has published its first events, so that a
 * backlog of starts waits here and not inside Temporal: an order whose workflow runs beside hundreds of others gets its
 * outcome only after the few seconds in which its first task waits, and then costs five times as much. Orders share a
 * workflow only when all of these are busy: the next start leaves when the last of them is done, with all orders that
 * wait, and no other start is in flight beside it. More starts at once only make smaller groups, and a workflow costs as
 * much CPU as 20 of its orders.
 */
const maxStartsInFlight = 4;
/** Some 15 MB. What does not fit is left to the reconciler: memory stays bounded while Temporal is unavailable. */
const maxQueueLength = 100_000;
const outageDelayMs = 1000;

/**
 * Orders that arrive faster than workflows start share one; there is no timer and no threshold. The queue is in memory.
 * Losing it loses nothing: the orders are in the database, and the reconciler starts those that nobody has started.
 */
export function createWorkflowStarter(options: WorkflowStarterOptions): WorkflowStarter {
  const { maxOrdersPerWorkflow, logger } = options;
  const waiting: PendingOrder[] = [];
  const stopping = new AbortController();
  const starts = new Set<Promise<void>>();
  let groupInFlight = false;
  const { start, tryToStart } = createGroupStart(options);

  /** Under the same id at every attempt: one that was given up may have happened. */
  async function startWithRetry(group: OrderGroup<PendingOrder>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await start(group);
        return;
      } catch (error) {
        const about = { err: error, workflow_id: group.workflowId, orders: group.orders.length };
        if (!isStartOutage(error)) {
          logger.error(about, 'a workflow could not be started, the reconciler tries again');
          return;
        }
        logger.warn(
          { ...about, waiting: waiting.length },
          'Temporal is unavailable or slow, the workflows start later',
        );
        await sleep(outageDelayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** One order at a time while starts keep up; all that wait, once nothing else is in flight. */
  function startWaiting(): void {
    while (!stopping.signal.aborted && waiting.length > 0) {
      const isAlone = maxOrdersPerWorkflow === 1 || waiting.length === 1;
      if (groupInFlight || starts.size >= (isAlone ? maxStartsInFlight : 1)) return;
      const group = takeGroup(waiting, maxOrdersPerWorkflow);
      if (!group) return;
      groupInFlight = group.orders.length > 1;
      const starting = startWithRetry(group);
      starts.add(starting);
      void starting.finally(() => {
        starts.delete(starting);
        groupInFlight = false;
        startWaiting();
      });
    }
  }

  return {
    startSoon: (orderId) => {
      if (waiting.length >= maxQueueLength) return;
      waiting.push({ orderId, workflowId: null });
      startWaiting();
    },
    startAll: async (orders) => {
      const left = [...orders];
      const unavailable: string[] = [];
      const startNext = async (): Promise<void> => {
        for (let group = takeGroup(left, maxOrdersPerWorkflow); group; group = takeGroup(left, maxOrdersPerWorkflow)) {
          unavailable.push(...(await tryToStart(group)));
        }
      };
      await Promise.all(Array.from({ length: maxStartsInFlight }, startNext));
      return unavailable;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(starts);
    },
  };
}
