import { setTimeout as sleep } from 'node:timers/promises';
import { takeGroup, type OrderGroup } from './order-groups.js';
import type { PendingOrder } from '../../application/ports.js';
import { createGroupStart, isStartOutage, type GroupStartOptions } from './start-group.js';

export interface WorkflowStarterOptions extends GroupStartOptions {
  /** The maximum number of orders that share a workflow; with 1, every order has its own (strict mode). */
  readonly maxOrdersPerWorkflow: number;
  /** How long the same start waits after an outage before it is tried again. Default: 1,000 ms. */
  readonly outageDelayMs?: number;
}

/** Starts workflows in the manner of a group commit: orders that wait at the same time share a start. */
export interface WorkflowStarter {
  /**
   * Requests a start of the order's workflow, off the caller's path: at once and alone while starts keep up, otherwise
   * together with the other waiting orders. Never throws, never waits.
   */
  startSoon(orderId: string): void;
  /**
   * Starts workflows for these orders now, in groups. Returns the ids of those that could not be started because
   * Temporal or the database is unavailable; an order that Temporal refuses is logged. Never throws.
   */
  startAll(orders: readonly PendingOrder[]): Promise<string[]>;
  /** Finishes the starts in flight. The reconciler of another or the next instance finds the orders that still wait. */
  stop(): Promise<void>;
}

/**
 * The maximum number of starts in flight. A start counts until its workflow has published its first events, so that a
 * backlog of starts waits here and not inside Temporal: an order whose workflow runs beside hundreds of others gets its
 * outcome only after the few seconds for which its first task waits, and then costs five times as much. Orders share a
 * workflow only when all of these starts are busy: once the last of them is done, the next start takes all waiting
 * orders, and no other start is in flight beside it. More concurrent starts would only make smaller groups, and a
 * workflow costs as much CPU as 20 of its orders.
 */
const maxStartsInFlight = 4;
/** About 15 MB. The reconciler starts orders beyond it, so memory stays bounded while Temporal is unavailable. */
const maxQueueLength = 100_000;
const usualOutageDelayMs = 1000;

/**
 * Orders that arrive faster than workflows start share one; there is no timer and no threshold. The queue is in memory.
 * Losing it loses no order: the orders are in the database, and the reconciler starts those that have no workflow.
 */
export function createWorkflowStarter(options: WorkflowStarterOptions): WorkflowStarter {
  const { maxOrdersPerWorkflow, outageDelayMs = usualOutageDelayMs, logger } = options;
  const waiting: PendingOrder[] = [];
  const stopping = new AbortController();
  const starts = new Set<Promise<void>>();
  let groupInFlight = false;
  const { start, tryToStart } = createGroupStart(options);

  /** Uses the same workflow id for every attempt, because a start that timed out may have succeeded. */
  async function startWithRetry(group: OrderGroup<PendingOrder>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await start(group);
        return;
      } catch (error) {
        const details = { err: error, workflow_id: group.workflowId, orders: group.orders.length };
        if (!isStartOutage(error)) {
          logger.error(details, 'a workflow could not be started; the reconciler will retry');
          return;
        }
        logger.warn(
          { ...details, waiting: waiting.length },
          `a workflow could not be started; retrying in ${outageDelayMs} ms`,
        );
        await sleep(outageDelayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** Starts one order at a time while starts keep up, and all waiting orders once nothing else is in flight. */
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
