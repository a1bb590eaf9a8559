import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import { orderCreated } from '../../../workflows/order-events.js';

/** What the workflow has the order API do. Results carry ids only, since they enter the workflow's history. */
export function createOrderApiActivities(relay: OutboxRelay) {
  return {
    /** Publishes the order's `order.created`, unless that is done already. Throws, and is retried, until it is. */
    async publishOrderCreated(orderId: string): Promise<{ messageIds: string[] }> {
      return { messageIds: await relay.publish(orderId, orderCreated.type, orderCreated.dataversion) };
    },
  };
}

export type OrderApiActivities = ReturnType<typeof createOrderApiActivities>;
