import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import { orderCreated } from '../../../workflows/order-events.js';

/** What the workflow has the order API do. Results carry ids only, since they enter the workflow's history. */
export function createOrderApiActivities(relay: OutboxRelay) {
  return {
    /** Publishes the `order.created` of these orders, unless that is done already. Throws, and is retried, until it is. */
    async publishOrderCreated(...orderIds: string[]): Promise<{ messageIds: string[] }> {
      return { messageIds: await relay.publish(orderIds, orderCreated.type, orderCreated.dataversion) };
    },
  };
}

export type OrderApiActivities = ReturnType<typeof createOrderApiActivities>;
