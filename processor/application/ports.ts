import type { Verdict } from '../domain/verdict.js';

/** What the use cases need of the outside; the infrastructure folder provides it. */

/** An order that has been worked on, with the version its answer carries. */
export interface ProcessedOrder {
  readonly orderId: string;
  readonly status: Verdict['status'];
  readonly reason: string | null;
  readonly version: number;
  /** The workflow that published the order's event, if the message said so. */
  readonly workflowId: string | null;
}

/** One received `order.created`. */
export interface CreatedOrder {
  readonly orderId: string;
  readonly version: number;
  readonly eventKey: string;
  readonly messageId: string;
  readonly traceparent: string;
  readonly workflowId: string | null;
}

export interface ProcessingStore {
  /**
   * Stores the verdict, the inbox entry and the `order.processed` outbox row in one transaction. `decide` is called at
   * most once in an order's life: for a repeat, nothing is decided or written, and the stored order is returned.
   */
  process(order: CreatedOrder, decide: () => Verdict): Promise<{ processed: ProcessedOrder; first: boolean }>;
  /** True when the event is in the inbox already. */
  isKnown(eventKey: string): Promise<boolean>;
  /** Writes down that the workflow of this event's order could not be told. */
  oweOutcome(eventKey: string): Promise<void>;
  /** Takes orders whose workflow is still owed the outcome; due again `recheckMs` later unless cleared. */
  claimOwedOutcomes(limit: number, recheckMs: number): Promise<{ eventKey: string; processed: ProcessedOrder }[]>;
  clearOwedOutcome(eventKey: string): Promise<void>;
  /** Takes orders whose answer nobody has published for too long; due again `recheckMs` later. */
  claimUnpublished(limit: number, recheckMs: number): Promise<ProcessedOrder[]>;
}

/** The order's workflow, as far as the use cases care. */
export interface OrderLifecycles {
  /**
   * Tells the workflow of the outcome. One that is gone is not told: if its answer was not published either, the
   * reconciler finds the outbox row. @throws while Temporal is away
   * @param askedBy the workflow that published the message at hand, if known: it may be another than the first one
   */
  tellOutcome(processed: ProcessedOrder, askedBy?: string | null): Promise<void>;
  /** Tells the workflow, and gives the order one of its own if there is none. @throws while Temporal is away */
  tellOutcomeAndStart(processed: ProcessedOrder): Promise<void>;
}
