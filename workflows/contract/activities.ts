import type { OrderOutcome } from './messages.js';

/**
 * The activities that the workflow runs on the services. The workflow declares the interfaces and the services
 * implement them, so the workflow depends on neither service. Every activity takes one object, returns facts, and can
 * safely be called twice. Arguments and results carry only ids, versions and statuses, because they enter the history.
 */
export interface OrderApiActivities {
  /**
   * Publishes the unpublished `order.created` events of these orders and returns the ids of the published messages.
   * @throws unless all of them are published
   */
  publishOrderCreated(request: PublishRequest): Promise<PublishResult>;
  /** Waits at most `maxWaitMs` until all of these orders are settled, and returns the outcomes of those that are. */
  awaitSettled(request: AwaitSettledRequest): Promise<OutcomesResult>;
}

export interface ProcessorActivities {
  /**
   * Publishes the unpublished `order.processed` events of these orders and returns the outcomes of the orders that have
   * been processed.
   * @throws unless all of them are published
   */
  publishOrderProcessed(request: PublishRequest): Promise<OutcomesResult & PublishResult>;
}

export interface PublishRequest {
  readonly orderIds: readonly string[];
  /**
   * Also republishes events that were published at least this many milliseconds ago, if their queue is empty: such a
   * message was lost or had no effect. If undefined, only unpublished events are published.
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
