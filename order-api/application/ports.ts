import type { NewOrder, Order, Outcome } from '../domain/order.js';

/** What the use cases need of the outside; the infrastructure folder provides it. */

export interface OrderStore {
  /**
   * Stores the order, its first history entry and its `order.created` outbox row in one transaction, unless the order
   * id is taken: then nothing is written. Answers with the order as it is now.
   */
  place(order: NewOrder, traceparent: string): Promise<{ order: Order; created: boolean }>;
  find(orderId: string): Promise<Order | undefined>;
  /**
   * Applies the outcome in one transaction that first records `eventKey` in the inbox; a repeat changes nothing.
   * Answers with the order as it is after that.
   * @throws UnknownOrder when there is no such order; nothing is written then
   */
  applyOutcome(outcome: Outcome, event: { eventKey: string; messageId: string }): Promise<AppliedOutcome>;
  /**
   * Takes pending orders whose workflow should be looked for, the longest due first. It is a lease: they are due again
   * `leaseMs` later, whatever becomes of the caller.
   */
  claimPending(limit: number, leaseMs: number): Promise<PendingOrder[]>;
  /** Puts the next look at these orders off by as long as they have been pending: `minDelayMs` to an hour. */
  deferCheck(orderIds: readonly string[], minDelayMs: number): Promise<void>;
  /**
   * Writes down that this workflow is going to carry the orders, before it is started. An order that is settled, or was
   * given to another workflow since it was read, is left out. Answers with the ids of the others.
   */
  assignWorkflow(orders: readonly PendingOrder[], workflowId: string): Promise<string[]>;
  /** The outcomes of those among these orders that are settled. */
  findSettled(orderIds: readonly string[]): Promise<SettledOrder[]>;
}

export interface AppliedOutcome {
  readonly order: Order;
  readonly result: 'applied' | 'stale' | 'repeated';
}

/** An order that waits for its outcome, and the workflow it is known to be in. */
export type PendingOrder = Pick<Order, 'orderId' | 'workflowId'>;

export type SettledOrder = Pick<Outcome, 'orderId' | 'status' | 'version'>;

/** The outcome is about an order that is not here: no retry will help. */
export class UnknownOrder extends Error {
  override readonly name = 'UnknownOrder';
}

/** The workflows of orders, as far as the use cases care. */
export interface OrderWorkflows {
  /** Asks for the order's workflow to be started soon, off the caller's path. Never throws, never waits. */
  startSoon(orderId: string): void;
  /**
   * Makes sure that each of these orders has a running workflow that carries it, and returns the ids of the orders that
   * were dealt with: they have one, or Temporal refuses to start it, which is logged. The others could not be looked at,
   * since Temporal or the database is unavailable. One order's failure holds up no other. Never throws.
   */
  ensureWorkflows(orders: readonly PendingOrder[]): Promise<string[]>;
  /** Tells whoever waits for it that the order is settled, as a hint. Never throws, never waits. */
  signalSettled(order: Order): void;
}
