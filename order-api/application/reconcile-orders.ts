import { inBatches } from '../../infra/runtime/in-batches.js';
import type { ClaimedOrder, MessagesUnderWay, OrderLifecycles, OrderStore } from './ports.js';

export interface ReconcileReport {
  /** Pending orders that were looked after, most of which wait in a workflow. */
  readonly pending: number;
  /** Those of them whose workflows were asked to publish again. */
  readonly publishedAgain: number;
  readonly told: number;
  /** Workflows that were open though their orders had ended. */
  readonly idle: number;
  readonly proven: number;
}

/** Small enough to be worked off well within `recheckMs`, which is how long a claim keeps other instances away. */
const batchSize = 200;
const batchesPerPass = 100;
const recheckMs = 30_000;
/** In an outage so many may wait with good reason that those without are not among the first; it ends before they do. */
const mostOpen = 200;

export interface ReconcileOrdersOptions {
  readonly store: OrderStore;
  readonly lifecycles: OrderLifecycles;
  readonly messages: MessagesUnderWay;
  /** How long a workflow may be open before anybody asks why. */
  readonly graceMs: number;
}

/**
 * Finds what nobody is driving and drives it: pending orders without a workflow (the process died between commit and
 * start, Temporal was away, or has lost its data), orders of which nothing was heard for long (a queue was deleted with
 * their messages in it), and workflows that were not told of their settlement: those that are known to be owed the word,
 * and any that is open though its orders have ended, as one is that got its orders beside another (a start that came late)
 * and was not the one to publish their answers. One pass ends when nothing is due, or with the first error: what was
 * claimed is due again half a minute later.
 */
export function createReconcileOrders({ store, lifecycles, messages, graceMs }: ReconcileOrdersOptions) {
  /** Only when their messages are nowhere: one that waits behind others, or is parked, would be there twice. */
  async function publishAgain(orders: readonly ClaimedOrder[]): Promise<number> {
    const overdue = orders.filter((order) => order.overdue);
    if (overdue.length === 0 || !(await messages.areNone())) return 0;
    await lifecycles.publishAgain(overdue);
    await store.notePublishedAgain(overdue.map(({ orderId }) => orderId));
    return overdue.length;
  }

  /** Whatever the reason why a workflow was not told that its orders have ended: it is told now. */
  async function endIdle(): Promise<number> {
    const open = await lifecycles.findOpen(graceMs, mostOpen);
    const found = await store.findSettled(open.flatMap(({ orderIds }) => orderIds));
    const settled = new Map(found.map((order) => [order.orderId, order]));
    const idle = open
      .map(({ workflowId, orderIds }) => ({
        workflowId,
        orderIds,
        ended: orderIds.flatMap((id) => settled.get(id) ?? []),
      }))
      .filter(({ orderIds, ended }) => orderIds.length > 0 && ended.length === orderIds.length);
    await Promise.all(idle.map(({ workflowId, ended }) => lifecycles.tellAllSettled(workflowId, ended)));
    return idle.length;
  }

  return async function reconcileOrders(stopped: AbortSignal): Promise<ReconcileReport> {
    const proven = await store.markProvenPublished();
    let publishedAgain = 0;
    const pending = await inBatches(batchSize, batchesPerPass, stopped, async () => {
      const orders = await store.claimPending(batchSize, recheckMs);
      await lifecycles.ensureDriven(orders);
      publishedAgain += await publishAgain(orders);
      return orders.length;
    });
    const told = await inBatches(batchSize, batchesPerPass, stopped, async () => {
      const owed = await store.claimOwedSettled(batchSize, recheckMs);
      await Promise.all(
        owed.map(async ({ eventKey, order }) => {
          await lifecycles.tellSettled(order);
          await store.clearOwedSettled(eventKey);
        }),
      );
      return owed.length;
    });
    const idle = stopped.aborted ? 0 : await endIdle();
    return { pending, publishedAgain, told, idle, proven };
  };
}
