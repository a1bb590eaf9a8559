import type { Decision } from '../domain/decision.js';

/** What the use cases need of the outside; the infrastructure folder provides it. */

/** An order that has been worked on, with the version its outcome carries. */
export interface ProcessedOrder {
  readonly orderId: string;
  readonly status: Decision['status'];
  readonly reason: string | null;
  readonly version: number;
}

/** One received `order.created`. */
export interface CreatedOrder {
  readonly orderId: string;
  readonly version: number;
  readonly eventKey: string;
  readonly messageId: string;
  readonly traceparent: string;
  /** The workflow that published the event, if the message says so. */
  readonly workflowId: string | undefined;
}

export interface ProcessingStore {
  /**
   * Stores the verdict, the inbox entry and the `order.processed` outbox row in one transaction. What is stored is decided
   * once in an order's life: for a repeat, nothing is written, and the stored order is returned. `decide` itself may be
   * called again for the same order, when the transaction was rolled back or two deliveries of an event meet.
   */
  process(order: CreatedOrder, decide: () => Decision): Promise<{ processed: ProcessedOrder; first: boolean }>;
  /** True when the event is in the inbox already. */
  isKnown(eventKey: string): Promise<boolean>;
  /** The outcomes of those among these orders that are decided. */
  findProcessed(orderIds: readonly string[]): Promise<ProcessedOrder[]>;
}

/** The way of an outcome to the order API. */
export interface OutcomePublisher {
  /**
   * Publishes the outcome of an order that was processed just now; for a repeated event, the outcome that is unpublished or
   * was published long ago, since whoever repeats the event has not got it. @throws when it is not published
   */
  publish(processed: ProcessedOrder, first: boolean): Promise<void>;
}

/** The order's workflow, as far as the use cases care. */
export interface OrderWorkflows {
  /**
   * Hints that this order's outcome is to be published. False when the workflow is not open, or unknown.
   * @throws while Temporal is unavailable
   */
  tellOutcomeReady(processed: ProcessedOrder, workflowId: string | undefined): Promise<boolean>;
}
