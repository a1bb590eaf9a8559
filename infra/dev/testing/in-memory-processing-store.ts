import type { ProcessedOrder, ProcessingStore } from '../../../processor/application/ports.js';

/**
 * Implements the port `ProcessingStore` without a database, for tests of the use case. It keeps the same promises as
 * the Postgres store, as the suite in `processing-store-contract.ts` checks for both, but only within one process.
 */
export function createInMemoryProcessingStore(): ProcessingStore {
  const processedById = new Map<string, ProcessedOrder>();
  const inbox = new Set<string>();
  return {
    process: async ({ orderId, version, eventKey }, decide) => {
      const known = processedById.get(orderId);
      if (known) {
        inbox.add(eventKey);
        return { processed: known, first: false };
      }
      const decision = decide();
      const reason = decision.status === 'failed' ? decision.reason : null;
      const processed = { orderId, status: decision.status, reason, version: version + 1 };
      processedById.set(orderId, processed);
      inbox.add(eventKey);
      return { processed, first: true };
    },
    isKnown: async (eventKey) => inbox.has(eventKey),
    findProcessed: async (orderIds) => orderIds.flatMap((orderId) => processedById.get(orderId) ?? []),
  };
}
