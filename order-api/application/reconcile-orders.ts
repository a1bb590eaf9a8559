import { inBatches } from '../../infra/runtime/in-batches.js';
import type { OrderStore, OrderWorkflows } from './ports.js';

const batchSize = 200;
const maxBatchesPerPass = 100;
/** How long a claim keeps other instances away; a batch takes a second or two. */
const leaseMs = 10_000;
/** The least time between two looks at an order that has its workflow. */
const minDelayMs = 30_000;

export interface ReconcileOrdersOptions {
  readonly store: Pick<OrderStore, 'claimPending' | 'deferCheck'>;
  readonly workflows: Pick<OrderWorkflows, 'ensureWorkflows'>;
}

/**
 * Finds pending orders without a running workflow and has one started: the process died between commit and start,
 * Temporal was unavailable or has lost its data, or a person terminated or cancelled the workflow. That is the one thing a
 * workflow cannot heal by itself. An order is looked at again after as long as it has been pending, so that many orders
 * that wait with good reason cost little; one that could not be looked at is due again when its lease is over. Temporal is
 * asked for due orders only, so an idle system asks it nothing.
 * @returns how many orders were looked at in this pass, which ends when nothing is due, or nothing can be looked at
 */
export function createReconcileOrders({ store, workflows }: ReconcileOrdersOptions) {
  return function reconcileOrders(stopped: AbortSignal): Promise<number> {
    return inBatches(batchSize, maxBatchesPerPass, stopped, async () => {
      const orders = await store.claimPending(batchSize, leaseMs);
      if (orders.length === 0) return 0;
      const handled = await workflows.ensureWorkflows(orders);
      await store.deferCheck(handled, minDelayMs);
      // Where none could be looked at, none of those behind them can: the next pass tries again.
      return handled.length === 0 ? 0 : orders.length;
    });
  };
}
