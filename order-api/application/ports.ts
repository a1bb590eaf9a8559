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
   * Takes pending orders whose workflow should be looked after, oldest first; the same ones are due again `recheckMs`
   * later.
   */
  claimPending(limit: number, recheckMs: number): Promise<ClaimedOrder[]>;
  /** Counts that their workflows were asked to publish again: they are overdue again after twice the time. */
  notePublishedAgain(orderIds: readonly string[]): Promise<void>;
  /**
   * Writes down that this workflow is going to carry the orders, before it is started. An order that is settled, or was
   * given to another workflow since it was read, is left out. Answers with the ids of the others.
   */
  assignWorkflow(orders: readonly PendingOrder[], workflowId: string): Promise<string[]>;
  /** The outcomes of those among these orders that are settled. */
  findSettled(orderIds: readonly string[]): Promise<SettledOrder[]>;
  /** Marks the outbox rows of settled orders: the answer proves that the event arrived. Returns how many. */
  markProvenPublished(): Promise<number>;
  /** Writes down that the workflow of this event's order could not be told. */
  oweSettled(eventKey: string): Promise<void>;
  /** Takes settled orders whose workflow is still owed the word; due again `recheckMs` later unless cleared. */
  claimOwedSettled(limit: number, recheckMs: number): Promise<{ eventKey: string; order: Order }[]>;
  clearOwedSettled(eventKey: string): Promise<void>;
}

export interface AppliedOutcome {
  readonly order: Order;
  readonly result: 'applied' | 'stale' | 'repeated';
}

/** An order that waits for its outcome, and the workflow it is known to be in. */
export type PendingOrder = Pick<Order, 'orderId' | 'workflowId'>;

export interface ClaimedOrder extends PendingOrder {
  /** Its event was published so long ago, without an answer, that one of them may be lost. */
  readonly overdue: boolean;
}

export type SettledOrder = Pick<Outcome, 'orderId' | 'status' | 'version'>;

/** The answer is about an order that is not here: no retry will help. */
export class UnknownOrder extends Error {
  override readonly name = 'UnknownOrder';
}

export interface OpenWorkflow {
  readonly workflowId: string;
  readonly orderIds: readonly string[];
}

/** The order's workflow, as far as the use cases care. */
export interface OrderLifecycles {
  /** Asks for the order's workflow to be started soon, off the caller's path. Never throws, never waits. */
  startSoon(orderId: string): void;
  /** Makes sure that each of the orders has a workflow that carries it. @throws while Temporal is away */
  ensureDriven(orders: readonly PendingOrder[]): Promise<void>;
  /** Asks the workflows of these orders to publish again what they published last. @throws while Temporal is away */
  publishAgain(orders: readonly PendingOrder[]): Promise<void>;
  /**
   * Tells the workflow that the order is settled; one that is gone needs no telling. @throws while Temporal is away
   * @param answeredBy the workflow that published the answer, if that is known: it may be another than the order's
   */
  tellSettled(order: Order, answeredBy?: string): Promise<void>;
  /**
   * Open workflows that began at least this long ago, with the orders they were given; at most so many. @throws while
   * Temporal is away
   */
  findOpen(olderThanMs: number, limit: number): Promise<OpenWorkflow[]>;
  /** Tells one workflow how all of its orders have ended. @throws while Temporal is away */
  tellAllSettled(workflowId: string, orders: readonly SettledOrder[]): Promise<void>;
}

/** The messages on their way between the services, as far as the use cases care. */
export interface MessagesUnderWay {
  /**
   * True when none waits in a queue and none is parked: then a message that nobody has taken is nowhere. False while
   * RabbitMQ cannot be asked.
   */
  areNone(): Promise<boolean>;
}
