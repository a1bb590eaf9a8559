import type { Outcome } from '../domain/order.js';
import type { AppliedOutcome, OrderStore, OrderWorkflows } from './ports.js';

/** One received `order.processed`. */
export interface OutcomeEvent {
  readonly outcome: Outcome;
  readonly eventKey: string;
  readonly messageId: string;
}

/**
 * Applies the processor's outcome once, by version, and tells the order's workflow. When it returns, the outcome is
 * committed, so the message may be acknowledged; the workflow is told off this path, and looks for itself when that fails.
 * A repeat changes nothing but tells the workflow again.
 * @throws UnknownOrder for the outcome of no order; the database's error while that is unavailable
 */
export function createApplyOutcome({ store, workflows }: { store: OrderStore; workflows: OrderWorkflows }) {
  return async function applyOutcome({ outcome, eventKey, messageId }: OutcomeEvent): Promise<AppliedOutcome> {
    const applied = await store.applyOutcome(outcome, { eventKey, messageId });
    if (applied.order.status !== 'pending') workflows.signalSettled(applied.order);
    return applied;
  };
}

export type ApplyOutcome = ReturnType<typeof createApplyOutcome>;
