import type { Decision } from '../domain/decision.js';
import type { CreatedOrder, OrderWorkflows, OutcomePublisher, ProcessedOrder, ProcessingStore } from './ports.js';

export interface ProcessOrderOptions {
  readonly store: Pick<ProcessingStore, 'process' | 'isKnown'>;
  readonly outcomes: OutcomePublisher;
  readonly workflows: OrderWorkflows;
  /**
   * Must be safe to call again for an order whose first decision was not stored. An implementation with a side effect,
   * such as charging a card, must pass the order id as the idempotency key of that effect.
   */
  readonly decide: () => Decision;
  /**
   * The work itself, if it takes any time. It runs before the transaction, so that no transaction is held open for it,
   * and only for an event that is not in the inbox. Without it, the inbox is not queried beforehand.
   */
  readonly work?: (() => Promise<void>) | undefined;
}

/**
 * Processes an order and publishes its outcome. When it returns, the outcome is committed, and it is either published
 * or handed over to the order's workflow, so the message may be acknowledged. A repeat makes no new decision.
 * @throws the database's error while Postgres is unavailable, with nothing written; the publisher's error when neither
 * RabbitMQ nor the workflow accepts the outcome
 */
export function createProcessOrder({ store, outcomes, workflows, decide, work }: ProcessOrderOptions) {
  return async function processOrder(order: CreatedOrder): Promise<{ processed: ProcessedOrder; first: boolean }> {
    if (work && !(await store.isKnown(order.eventKey))) await work();
    const result = await store.process(order, decide);
    try {
      await outcomes.publish(result.processed, result.first);
    } catch (error) {
      // The workflow then publishes it, with retries that are visible in Temporal Web UI.
      const isHandedOver = await workflows.signalOutcomeReady(result.processed, order.workflowId).catch(() => false);
      if (!isHandedOver) throw error;
    }
    return result;
  };
}

export type ProcessOrder = ReturnType<typeof createProcessOrder>;
