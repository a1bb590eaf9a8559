import type { OutboxRelay } from '../../infra/messaging/outbox-relay.js';
import { orderProcessed } from '../../workflows/order-events.js';

/**
 * Publishes the unpublished `order.processed` events of these orders and, if `republishAfterMs` is given, republishes
 * those that were published at least that long ago. Returns the ids of the published messages.
 * @throws NotPublished or the database's error, after every event has been tried
 */
export type PublishOutcomes = (orderIds: readonly string[], republishAfterMs?: number) => Promise<string[]>;

export function createPublishOutcomes(relay: OutboxRelay): PublishOutcomes {
  const { type, dataversion } = orderProcessed;
  return (aggregateIds, republishAfterMs) => relay.publish({ aggregateIds, type, dataversion, republishAfterMs });
}
