import type { Decision } from '../domain/decision.js';

/** The ports of the use cases; the infrastructure folder implements them. */

/** A processed order, with the version that its outcome carries. */
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
  /** The workflow that published the event, if the message names it. */
  readonly workflowId: string | undefined;
}

export interface ProcessingStore {
  /**
   * Stores the outcome, the inbox entry and the `order.processed` outbox row in one transaction. Each order has one
   * stored outcome: for a repeat, no second one is written, and the stored one is returned with `first` false. `decide`
   * itself may be called more than once for an order, when the transaction is rolled back or two deliveries of an event
   * are handled concurrently.
   */
  process(order: CreatedOrder, decide: () => Decision): Promise<{ processed: ProcessedOrder; first: boolean }>;
  /** Returns true when the event is already in the inbox. */
  isKnown(eventKey: string): Promise<boolean>;
  /** Returns the outcomes of those of these orders that have been processed. */
  findProcessed(orderIds: readonly string[]): Promise<ProcessedOrder[]>;
}

/** Sends outcomes to the order API. */
export interface OutcomePublisher {
  /**
   * Publishes the outcome of an order. If the event is a repeat (`first` is false), publishes it only when it is
   * unpublished or was published long ago: the sender of the repeat has apparently not received it.
   * @throws when the outcome could not be published
   */
  publish(processed: ProcessedOrder, first: boolean): Promise<void>;
}

/** The order workflows, as the use cases see them. */
export interface OrderWorkflows {
  /**
   * Asks the workflow to publish this order's outcome. Returns false when the workflow is not open or not known.
   * @throws while Temporal is unavailable
   */
  signalOutcomeReady(processed: ProcessedOrder, workflowId: string | undefined): Promise<boolean>;
}
