import type { Verdict } from '../domain/verdict.js';
import type { CreatedOrder, OrderLifecycles, ProcessedOrder, ProcessingStore } from './ports.js';

export interface ProcessOrderOptions {
  readonly store: ProcessingStore;
  readonly lifecycles: OrderLifecycles;
  readonly decide: () => Verdict;
  /**
   * The work itself, if it takes any time. It comes before the transaction, so that none is held open for it, and only
   * for an event that is not known yet; without it nobody has to ask.
   */
  readonly work?: (() => Promise<void>) | undefined;
}

/**
 * Works on an order once and tells its workflow. When it returns, verdict and answer are committed, and the workflow
 * told or the debt written down, so the message may be acknowledged. A repeat decides nothing but tells the workflow
 * again: the first telling may have been lost with the process.
 * @throws the database's error while that is away; nothing is written then
 */
export function createProcessOrder({ store, lifecycles, decide, work }: ProcessOrderOptions) {
  return async function processOrder(order: CreatedOrder): Promise<{ processed: ProcessedOrder; first: boolean }> {
    if (work && !(await store.isKnown(order.eventKey))) await work();
    const result = await store.process(order, decide);
    try {
      await lifecycles.tellOutcome(result.processed, order.workflowId);
    } catch {
      // Redelivery is no way to retry this: it would use up the message's deliveries. The reconciler tells it later.
      await store.oweOutcome(order.eventKey);
    }
    return result;
  };
}

export type ProcessOrder = ReturnType<typeof createProcessOrder>;
