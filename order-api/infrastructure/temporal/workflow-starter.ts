import { setTimeout as sleep } from 'node:timers/promises';
import { isPostgresOutage } from '../../../infra/postgres/outage.js';
import type { Logger } from '../../../infra/runtime/logger.js';
import { isTemporalOutage } from '../../../infra/temporal/outage.js';
import type { LifecycleClient } from '../../../workflows/client.js';
import { takeGroup, type OrderGroup } from '../../../workflows/groups.js';
import type { OrderStore, PendingOrder } from '../../application/ports.js';

export interface WorkflowStarterOptions {
  readonly client: LifecycleClient;
  readonly store: Pick<OrderStore, 'assignWorkflow'>;
  readonly grouping: Grouping;
  readonly logger: Logger;
}

interface Grouping {
  /** How many orders share a workflow at most. 1: each has its own, always. */
  readonly size: number;
  /** How long the last few of a group are waited for before each gets a workflow of its own. */
  readonly stragglerAfterMs: number;
}

/** Group commit into Temporal. */
export interface WorkflowStarter {
  /**
   * Has the order's workflow started soon, off the caller's path: alone at once when few starts are under way, else
   * together with the others that come meanwhile. Never throws, never waits.
   */
  startSoon(orderId: string): void;
  /** Starts workflows for these orders now, in groups. @throws what Temporal or Postgres throws, after all were tried */
  startAll(orders: readonly PendingOrder[]): Promise<void>;
  /** Finishes the starts under way; what still waits is found by the reconciler of another or the next instance. */
  stop(): Promise<void>;
}

/** More at once do not start more: they only compete with the workflows that are under way. */
const startsInFlight = 4;
/** What does not fit is left to the reconciler: memory stays bounded while Temporal is away. */
const longestQueue = 10_000;
const outageRestMs = 1000;

/**
 * A workflow is the dear part of an order: some 55 ms of CPU, measured, against less than 1 ms of everything else; one
 * that carries 100 orders costs little more. So orders that arrive faster than workflows start share one. There is no
 * timer and no threshold: how many share follows from how long the starts before them take.
 *
 * The queue is in memory. Losing it loses nothing: the orders are in the database, and the reconciler starts those that
 * nobody has started. Before each start the orders are assigned to the workflow, and only those that were not assigned
 * elsewhere go into it; so starter and reconcilers of all instances never start the same order twice.
 */
export function createWorkflowStarter({ client, store, grouping, logger }: WorkflowStarterOptions) {
  const waiting: PendingOrder[] = [];
  const stopping = new AbortController();
  const starters = new Set<Promise<void>>();

  async function start({ workflowId, orders }: OrderGroup<PendingOrder>): Promise<void> {
    const assigned = await store.assignWorkflow(orders, workflowId);
    if (assigned.length > 0) await client.ensureStarted(workflowId, assigned, grouping.stragglerAfterMs);
  }

  /** Under the same id at every attempt: one that was given up may have happened. */
  async function startInTime(group: OrderGroup<PendingOrder>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await start(group);
        return;
      } catch (error) {
        const about = { err: error, workflow_id: group.workflowId, orders: group.orders.length };
        if (!isTemporalOutage(error) && !isPostgresOutage(error)) {
          logger.error(about, 'a workflow could not be started, the reconciler tries again');
          return;
        }
        logger.warn({ ...about, waiting: waiting.length }, 'Temporal is away or slow, the workflows start later');
        await sleep(outageRestMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  async function startWaiting(): Promise<void> {
    while (!stopping.signal.aborted) {
      const group = takeGroup(waiting, grouping.size);
      if (!group) return;
      await startInTime(group);
    }
  }

  const starter: WorkflowStarter = {
    startSoon: (orderId) => {
      if (waiting.length >= longestQueue || stopping.signal.aborted) return;
      waiting.push({ orderId, workflowId: null });
      if (starters.size >= startsInFlight) return;
      const working = startWaiting();
      starters.add(working);
      void working.finally(() => starters.delete(working));
    },
    startAll: async (orders) => {
      const left = [...orders];
      const startNext = async (): Promise<void> => {
        for (let group = takeGroup(left, grouping.size); group; group = takeGroup(left, grouping.size)) {
          await start(group);
        }
      };
      const results = await Promise.allSettled(Array.from({ length: startsInFlight }, startNext));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason as Error;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(starters);
    },
  };
  return starter;
}
