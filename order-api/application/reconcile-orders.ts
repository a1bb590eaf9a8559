import { inBatches } from '../../infra/runtime/in-batches.js';
import type { OrderStore, OrderWorkflows } from './ports.js';

const batchSize = 200;
const maxBatchesPerPass = 100;
/** How long a claim keeps other instances from checking the same orders; a batch takes a second or two. */
const leaseMs = 10_000;
/** The minimum time between two checks of an order that has a workflow. */
const minDelayMs = 30_000;

export interface ReconcileOrdersOptions {
  readonly store: Pick<OrderStore, 'claimPending' | 'deferCheck'>;
  readonly workflows: Pick<OrderWorkflows, 'ensureWorkflows'>;
}

/**
 * Finds pending orders without a running workflow and starts one: the process may have died between commit and start,
 * Temporal may have been unavailable or lost its data, or an operator may have terminated or cancelled the workflow. A
 * workflow cannot recover from any of these by itself. The next check of an order is deferred by as long as the order
 * has been pending, so that many orders that wait for a good reason cost little. An order that could not be checked is
 * due again when its lease expires. Temporal is queried for due orders only, so an idle system sends it no requests.
 * @returns how many orders were checked; the pass ends when no order is due, or when none of a batch could be checked
 */
export function createReconcileOrders({ store, workflows }: ReconcileOrdersOptions) {
  return function reconcileOrders(stopped: AbortSignal): Promise<number> {
    return inBatches(batchSize, maxBatchesPerPass, stopped, async () => {
      const orders = await store.claimPending(batchSize, leaseMs);
      if (orders.length === 0) return 0;
      const handled = await workflows.ensureWorkflows(orders);
      await store.deferCheck(handled, minDelayMs);
      // If none of these could be checked, the orders after them cannot be either: the next pass tries again.
      return handled.length === 0 ? 0 : orders.length;
    });
  };
}
