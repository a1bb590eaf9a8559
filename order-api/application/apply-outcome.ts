import type { Outcome } from '../domain/order.js';
import type { AppliedOutcome, OrderStore, OrderWorkflows } from './ports.js';

/** One received `order.processed`. */
export interface OutcomeEvent {
  readonly outcome: Outcome;
  readonly eventKey: string;
  readonly messageId: string;
}

export interface ApplyOutcomeOptions {
  readonly store: Pick<OrderStore, 'applyOutcome'>;
  readonly workflows: Pick<OrderWorkflows, 'signalSettled'>;
}

/**
 * Applies the processor's outcome once, by version, and signals the order's workflow. When it returns, the outcome is
 * committed, so the message may be acknowledged. The signal is sent off this path; if it fails, the workflow finds the
 * outcome at its next check. A repeat changes nothing, but signals the workflow again.
 * @throws UnknownOrder when the order does not exist; the database's error while Postgres is unavailable
 */
export function createApplyOutcome({ store, workflows }: ApplyOutcomeOptions) {
  return async function applyOutcome({ outcome, eventKey, messageId }: OutcomeEvent): Promise<AppliedOutcome> {
    const applied = await store.applyOutcome(outcome, { eventKey, messageId });
    if (applied.order.status !== 'pending') workflows.signalSettled(applied.order);
    return applied;
  };
}

export type ApplyOutcome = ReturnType<typeof createApplyOutcome>;
