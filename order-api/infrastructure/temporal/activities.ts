import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import { orderCreated } from '../../../workflows/order-events.js';
import { publishingHeaders } from '../../../workflows/publishing-headers.js';
import type { OrderStore, SettledOrder } from '../../application/ports.js';

export interface PublishedOrders {
  readonly messageIds: string[];
  /** Missing when all were published now: an order is settled after that. */
  readonly settled?: SettledOrder[];
}

/** What the workflow has the order API do. Results carry ids and outcomes only, since they enter its history. */
export function createOrderApiActivities(relay: OutboxRelay, store: Pick<OrderStore, 'findSettled'>) {
  return {
    /**
     * Publishes the `order.created` of these orders, unless that is done already, and tells which of them turn out to be
     * settled: nobody signals those any more. Throws, and is retried, until all are published.
     */
    async publishOrderCreated(...orderIds: string[]): Promise<PublishedOrders> {
      const headers = publishingHeaders();
      const messageIds = await relay.publish(orderIds, orderCreated.type, orderCreated.dataversion, headers);
      if (messageIds.length === orderIds.length) return { messageIds };
      return { messageIds, settled: await store.findSettled(orderIds) };
    },
  };
}

export type OrderApiActivities = ReturnType<typeof createOrderApiActivities>;
