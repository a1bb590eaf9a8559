import { inBatches } from '../../infra/runtime/in-batches.js';
import type { OrderLifecycles, ProcessingStore } from './ports.js';

const batchSize = 200;
const batchesPerPass = 100;
const recheckMs = 30_000;

/**
 * Finds answers that nobody is driving: workflows that were not told of their outcome, and outbox rows whose workflow is
 * gone (Temporal has lost its data, or somebody terminated it). One pass ends when nothing is due, or with the first
 * error: what was claimed is due again half a minute later.
 */
export function createReconcileAnswers({ store, lifecycles }: { store: ProcessingStore; lifecycles: OrderLifecycles }) {
  return async function reconcileAnswers(stopped: AbortSignal): Promise<{ told: number; restarted: number }> {
    const told = await inBatches(batchSize, batchesPerPass, stopped, async () => {
      const owed = await store.claimOwedOutcomes(batchSize, recheckMs);
      await Promise.all(
        owed.map(async ({ eventKey, processed }) => {
          await lifecycles.tellOutcome(processed);
          await store.clearOwedOutcome(eventKey);
        }),
      );
      return owed.length;
    });
    const restarted = await inBatches(batchSize, batchesPerPass, stopped, async () => {
      const unpublished = await store.claimUnpublished(batchSize, recheckMs);
      await Promise.all(unpublished.map((processed) => lifecycles.tellOutcomeAndStart(processed)));
      return unpublished.length;
    });
    return { told, restarted };
  };
}
