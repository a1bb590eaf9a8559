import { inBatches } from '../../infra/runtime/in-batches.js';
import type { OrderLifecycles, OrderStore } from './ports.js';

export interface ReconcileReport {
  /** Pending orders that were looked after, most of which wait in a workflow. */
  readonly pending: number;
  readonly told: number;
  readonly proven: number;
}

/** Small enough to be worked off well within `recheckMs`, which is how long a claim keeps other instances away. */
const batchSize = 200;
const batchesPerPass = 100;
const recheckMs = 30_000;

/**
 * Finds what nobody is driving and drives it: pending orders without a workflow (the process died between commit and
 * start, Temporal was away, or has lost its data), and workflows that were not told of their settlement. One pass ends
 * when nothing is due, or with the first error: what was claimed is due again half a minute later.
 */
export function createReconcileOrders({ store, lifecycles }: { store: OrderStore; lifecycles: OrderLifecycles }) {
  return async function reconcileOrders(stopped: AbortSignal): Promise<ReconcileReport> {
    const proven = await store.markProvenPublished();
    const pending = await inBatches(batchSize, batchesPerPass, stopped, async () => {
      const orders = await store.claimPending(batchSize, recheckMs);
      await lifecycles.ensureDriven(orders);
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
    return { pending, told, proven };
  };
}
