import type { NewOrder, Order, Outcome } from '../domain/order.js';

/** The ports of the use cases; the infrastructure folder implements them. */

export interface OrderStore {
  /**
   * Stores the order, its first history entry and its `order.created` outbox row in one transaction. If the order id is
   * already taken, nothing is written. Returns the order as it is now.
   */
  place(order: NewOrder, traceparent: string): Promise<{ order: Order; created: boolean }>;
  find(orderId: string): Promise<Order | undefined>;
  /**
   * Applies the outcome in one transaction that first records `eventKey` in the inbox; a repeat changes nothing.
   * Returns the order as it is after that.
   * @throws UnknownOrder when the order does not exist; nothing is written then
   */
  applyOutcome(outcome: Outcome, event: { eventKey: string; messageId: string }): Promise<AppliedOutcome>;
  /**
   * Claims up to `limit` pending orders that are due for a check of their workflow, longest overdue first. The claim is
   * a lease: the orders are due again after `leaseMs`, even if the caller dies.
   */
  claimPending(limit: number, leaseMs: number): Promise<PendingOrder[]>;
  /** Defers the next check of each order by as long as it has been pending, from `minDelayMs` up to an hour. */
  deferCheck(orderIds: readonly string[], minDelayMs: number): Promise<void>;
  /**
   * Assigns the orders to this workflow before it is started, and returns the ids of those it assigned. An order that
   * is settled, or was assigned to another workflow since it was read, is left out.
   */
  assignWorkflow(orders: readonly PendingOrder[], workflowId: string): Promise<string[]>;
  /** Returns the outcomes of those of these orders that are settled. */
  findSettled(orderIds: readonly string[]): Promise<SettledOrder[]>;
}

export interface AppliedOutcome {
  readonly order: Order;
  readonly result: 'applied' | 'stale' | 'repeated';
}

/** An order that awaits its outcome, and the workflow it was assigned to when it was read. */
export type PendingOrder = Pick<Order, 'orderId' | 'workflowId'>;

export type SettledOrder = Pick<Outcome, 'orderId' | 'status' | 'version'>;

/** The outcome refers to an order that does not exist, so no retry can succeed. */
export class UnknownOrder extends Error {
  override readonly name = 'UnknownOrder';
}

/** The order workflows, as the use cases see them. */
export interface OrderWorkflows {
  /** Requests a start of the order's workflow, off the caller's path. Never throws, never waits. */
  startSoon(orderId: string): void;
  /**
   * Ensures that each of these orders has a running workflow, and returns the ids of the orders it handled: each either
   * has a workflow, or Temporal rejected the request for it, which is logged. The others could not be checked because
   * Temporal or the database is unavailable. One order's failure does not hold up the others. Never throws.
   */
  ensureWorkflows(orders: readonly PendingOrder[]): Promise<string[]>;
  /** Tells the order's workflow that the order is settled. This is only a hint. Never throws, never waits. */
  signalSettled(order: Order): void;
}
