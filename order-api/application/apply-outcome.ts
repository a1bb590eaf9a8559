import type { Outcome } from '../domain/order.js';
import type { AppliedOutcome, OrderLifecycles, OrderStore } from './ports.js';

/** One received `order.processed`. */
export interface OutcomeEvent {
  readonly outcome: Outcome;
  readonly eventKey: string;
  readonly messageId: string;
  /** The workflow that published it, if the message says so. */
  readonly workflowId?: string | undefined;
}

/**
 * Applies the processor's answer once, by version, and tells the order's workflow. When it returns, the answer is
 * committed, and the workflow told or the debt written down, so the message may be acknowledged. A repeat changes
 * nothing but tells the workflow again: the first telling may have been lost with the process.
 * @throws UnknownOrder for an answer to no order; the database's error while that is away
 */
export function createApplyOutcome({ store, lifecycles }: { store: OrderStore; lifecycles: OrderLifecycles }) {
  return async function applyOutcome({
    outcome,
    eventKey,
    messageId,
    workflowId,
  }: OutcomeEvent): Promise<AppliedOutcome> {
    const applied = await store.applyOutcome(outcome, { eventKey, messageId });
    const { order } = applied;
    if (order.status !== 'pending') {
      try {
        await lifecycles.tellSettled(order, workflowId);
      } catch {
        // Redelivery is no way to retry this: it would use up the message's deliveries. The reconciler tells it later.
        await store.oweSettled(eventKey);
      }
    }
    return applied;
  };
}

export type ApplyOutcome = ReturnType<typeof createApplyOutcome>;
