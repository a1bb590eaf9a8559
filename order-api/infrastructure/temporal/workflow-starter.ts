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
   * Has the order's workflow started soon, off the caller's path: alone at once when no other start is under way, else
   * together with the others that come meanwhile. Never throws, never waits.
   */
  startSoon(orderId: string): void;
  /** Starts workflows for these orders now, in groups; an outage ends it, a refused group does not. @throws the first error */
  startAll(orders: readonly PendingOrder[]): Promise<void>;
  /** Notes that this workflow has published the first events of its orders. */
  firstEventsPublished(workflowId: string): void;
  /** Finishes the starts under way; what still waits is found by the reconciler of another or the next instance. */
  stop(): Promise<void>;
}

/**
 * How many starts are under way at once. Where orders share workflows, one, and it counts until the workflow has
 * published its first events: whoever comes meanwhile shares the next. More at once only make smaller groups. Measured on
 * 2 cores with 200 clients, orders settled a second: 190 with 4 starts, 370 with 1, 500 with 1 up to its first events;
 * 30 in strict mode.
 */
const startsInFlight = { grouped: 1, strict: 4 };
/**
 * The limit on waiting for the first events: RabbitMQ may be away, or another instance's worker may have got the
 * activity. Then groups leave at this pace.
 */
const firstEventsLimitMs = 500;
/** Some 15 MB. What does not fit is left to the reconciler: memory stays bounded while Temporal is away. */
const longestQueue = 100_000;
const outageRestMs = 1000;

/**
 * A workflow is the dear part of an order: some 55 ms of CPU, measured, against less than 1 ms of everything else; one
 * that carries 100 orders costs little more. So orders that arrive faster than workflows start share one. There is no
 * timer and no threshold: how many share follows from how long the start before them takes.
 *
 * The queue is in memory. Losing it loses nothing: the orders are in the database, and the reconciler starts those that
 * nobody has started. Before each start the orders are assigned to the workflow, and only those that were not assigned
 * elsewhere go into it; so starter and reconcilers of all instances never start the same order twice.
 */
export function createWorkflowStarter({ client, store, grouping, logger }: WorkflowStarterOptions) {
  const waiting: PendingOrder[] = [];
  const stopping = new AbortController();
  const starters = new Set<Promise<void>>();
  const inFlight = grouping.size > 1 ? startsInFlight.grouped : startsInFlight.strict;
  const firstEvents = createFirstEvents();

  async function start({ workflowId, orders }: OrderGroup<PendingOrder>): Promise<void> {
    const assigned = await store.assignWorkflow(orders, workflowId);
    if (assigned.length === 0) return;
    // The events may be out before the call that starts the workflow has returned.
    const published = grouping.size > 1 ? firstEvents.of(workflowId) : Promise.resolve();
    await client.ensureStarted(workflowId, assigned, grouping.stragglerAfterMs);
    await published;
  }

  /** Under the same id at every attempt: one that was given up may have happened. */
  async function startInTime(group: OrderGroup<PendingOrder>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await start(group);
        return;
      } catch (error) {
        const about = { err: error, workflow_id: group.workflowId, orders: group.orders.length };
        if (!isOutage(error)) {
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
      if (starters.size >= inFlight) return;
      const working = startWaiting();
      starters.add(working);
      void working.finally(() => starters.delete(working));
    },
    startAll: async (orders) => {
      const left = [...orders];
      const failures: unknown[] = [];
      const startNext = async (): Promise<void> => {
        for (let group = takeGroup(left, grouping.size); group; group = takeGroup(left, grouping.size)) {
          try {
            await start(group);
          } catch (error) {
            failures.push(error);
            if (isOutage(error)) return;
          }
        }
      };
      await Promise.all(Array.from({ length: inFlight }, startNext));
      if (failures.length > 0) throw failures[0];
    },
    firstEventsPublished: (workflowId) => firstEvents.published(workflowId),
    stop: async () => {
      stopping.abort();
      await Promise.all(starters);
    },
  };
  return starter;
}

/** Who waits for the first events of which workflow. */
function createFirstEvents() {
  const waiting = new Map<string, () => void>();
  return {
    published: (workflowId: string) => waiting.get(workflowId)?.(),
    of: (workflowId: string) =>
      new Promise<void>((resolve) => {
        waiting.set(workflowId, resolve);
        setTimeout(resolve, firstEventsLimitMs);
      }).finally(() => waiting.delete(workflowId)),
  };
}

function isOutage(error: unknown): boolean {
  return isTemporalOutage(error) || isPostgresOutage(error);
}
