import type { Decision } from '../domain/decision.js';
import type { CreatedOrder, OrderWorkflows, OutcomePublisher, ProcessedOrder, ProcessingStore } from './ports.js';

export interface ProcessOrderOptions {
  readonly store: Pick<ProcessingStore, 'process' | 'isKnown'>;
  readonly outcomes: OutcomePublisher;
  readonly workflows: OrderWorkflows;
  /**
   * Must be harmless when it is called again for an order whose first decision was not stored. Whoever replaces it by
   * something with an effect of its own, such as charging a card, gives that effect the order id as its idempotency key.
   */
  readonly decide: () => Decision;
  /**
   * The work itself, if it takes any time. It comes before the transaction, so that none is held open for it, and only
   * for an event that is not known yet; without it nobody has to ask.
   */
  readonly work?: (() => Promise<void>) | undefined;
}

/**
 * Works on an order once and sends its outcome on. When it returns, decision and outcome are committed, and the outcome is
 * published or the order's workflow was asked to publish it, so the message may be acknowledged. A repeat decides nothing.
 * @throws the database's error while that is unavailable, and nothing is written then; the publisher's error when neither
 * RabbitMQ nor the workflow takes the outcome
 */
export function createProcessOrder({ store, outcomes, workflows, decide, work }: ProcessOrderOptions) {
  return async function processOrder(order: CreatedOrder): Promise<{ processed: ProcessedOrder; first: boolean }> {
    if (work && !(await store.isKnown(order.eventKey))) await work();
    const result = await store.process(order, decide);
    try {
      await outcomes.publish(result.processed, result.first);
    } catch (error) {
      // The workflow publishes it then, with retries that people can see.
      const isTold = await workflows.tellOutcomeReady(result.processed, order.workflowId).catch(() => false);
      if (!isTold) throw error;
    }
    return result;
  };
}

export type ProcessOrder = ReturnType<typeof createProcessOrder>;
