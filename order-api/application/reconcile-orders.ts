import { inBatches } from '../../infra/runtime/in-batches.js';
import type { ClaimedOrder, MessagesUnderWay, OrderLifecycles, OrderStore } from './ports.js';

export interface ReconcileReport {
  /** Pending orders that were looked after, most of which wait in a workflow. */
  readonly pending: number;
  /** Those of them whose workflows were asked to publish again. */
  readonly publishedAgain: number;
  readonly told: number;
  readonly proven: number;
}

/** Small enough to be worked off well within `recheckMs`, which is how long a claim keeps other instances away. */
const batchSize = 200;
const batchesPerPass = 100;
const recheckMs = 30_000;

export interface ReconcileOrdersOptions {
  readonly store: OrderStore;
  readonly lifecycles: OrderLifecycles;
  readonly messages: MessagesUnderWay;
}

/**
 * Finds what nobody is driving and drives it: pending orders without a workflow (the process died between commit and
 * start, Temporal was away, or has lost its data), orders of which nothing was heard for long (a queue was deleted with
 * their messages in it), and workflows that were not told of their settlement. One pass ends when nothing is due, or with
 * the first error: what was claimed is due again half a minute later.
 */
export function createReconcileOrders({ store, lifecycles, messages }: ReconcileOrdersOptions) {
  /** Only when their messages are nowhere: one that waits behind others, or is parked, would be there twice. */
  async function publishAgain(orders: readonly ClaimedOrder[]): Promise<number> {
    const overdue = orders.filter((order) => order.overdue);
    if (overdue.length === 0 || !(await messages.areNone())) return 0;
    await lifecycles.publishAgain(overdue);
    await store.notePublishedAgain(overdue.map(({ orderId }) => orderId));
    return overdue.length;
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
          // Whoever published the answer is not known any more; it may have been the order's own workflow.
          await lifecycles.tellSettledEverywhere(order);
          await store.clearOwedSettled(eventKey);
        }),
      );
      return owed.length;
    });
    return { pending, publishedAgain, told, proven };
  };
}
