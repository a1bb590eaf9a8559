import type { OrderOutcome } from './messages.js';

/**
 * What the workflow asks the services to do. It declares the interfaces and the services implement them, so the workflow
 * depends on nobody. Every activity takes one object, answers with facts, and is harmless when it is called twice.
 * Arguments and results carry ids, versions and statuses only, since they enter the history.
 */
export interface OrderApiActivities {
  /**
   * Publishes the `order.created` of these orders that is unpublished, and returns the ids of the published messages.
   * Throws until all of them are published.
   */
  publishOrderCreated(request: PublishRequest): Promise<PublishResult>;
  /** Waits until all of these orders are settled, `maxWaitMs` at most, and returns the outcomes of those that are. */
  awaitSettled(request: AwaitSettledRequest): Promise<OutcomesResult>;
}

export interface ProcessorActivities {
  /**
   * Publishes the `order.processed` of these orders that is unpublished, and returns the outcomes of the orders that are
   * decided. Throws until all of them are published.
   */
  publishOrderProcessed(request: PublishRequest): Promise<OutcomesResult & PublishResult>;
}

export interface PublishRequest {
  readonly orderIds: readonly string[];
  /**
   * Publishes an event again that was published at least so long ago, when its queue is empty: then the message was lost
   * or had no effect. Without it, only unpublished events are published.
   */
  readonly republishAfterMs?: number;
}

interface PublishResult {
  readonly messageIds: readonly string[];
}

interface AwaitSettledRequest {
  readonly orderIds: readonly string[];
  readonly maxWaitMs: number;
}

interface OutcomesResult {
  readonly outcomes: readonly OrderOutcome[];
}
