import type { OutboxRelay } from '../../infra/messaging/outbox-relay.js';
import { orderProcessed } from '../../workflows/order-events.js';

/**
 * Publishes the unpublished `order.processed` of these orders, and those that were published at least `republishAfterMs`
 * ago, if it is given. Returns the ids of the published messages.
 * @throws NotPublished or the database's error, after all have been tried
 */
export type PublishOutcomes = (orderIds: readonly string[], republishAfterMs?: number) => Promise<string[]>;

export function createPublishOutcomes(relay: OutboxRelay): PublishOutcomes {
  const { type, dataversion } = orderProcessed;
  return (aggregateIds, republishAfterMs) => relay.publish({ aggregateIds, type, dataversion, republishAfterMs });
}
