import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import { orderCreated, workflowIdHeader } from '../../../workflows/order-events.js';
import { publishingWorkflow } from '../../../workflows/publishing-workflow.js';
import type { OrderStore, SettledOrder } from '../../application/ports.js';

export interface PublishedOrders {
  readonly messageIds: string[];
  /** Missing when all were published now: an order is settled after that. */
  readonly settled?: SettledOrder[];
}

export interface OrderApiActivitiesOptions {
  readonly relay: OutboxRelay;
  readonly store: Pick<OrderStore, 'findSettled'>;
  /** Is told of each workflow that has published the first events of its orders. */
  readonly onPublished: (workflowId: string) => void;
}

/** What the workflow has the order API do. Results carry ids and outcomes only, since they enter its history. */
export function createOrderApiActivities({ relay, store, onPublished }: OrderApiActivitiesOptions) {
  return {
    /**
     * Publishes the `order.created` of these orders, unless that is done already, and tells which of them turn out to be
     * settled. Throws, and is retried, until all are published.
     */
    async publishOrderCreated(...orderIds: string[]): Promise<PublishedOrders> {
      const workflowId = publishingWorkflow();
      const headers = { [workflowIdHeader]: workflowId };
      const messageIds = await relay.publish(orderIds, orderCreated.type, orderCreated.dataversion, headers);
      onPublished(workflowId);
      if (messageIds.length === orderIds.length) return { messageIds };
      return { messageIds, settled: await store.findSettled(orderIds) };
    },

    /** As `publishOrderCreated`, though it was published before, of those orders that are not settled. */
    async publishOrderCreatedAgain(...orderIds: string[]): Promise<PublishedOrders> {
      const settled = await store.findSettled(orderIds);
      const open = orderIds.filter((id) => !settled.some(({ orderId }) => orderId === id));
      const headers = { [workflowIdHeader]: publishingWorkflow() };
      return {
        messageIds: await relay.publishAgain(open, orderCreated.type, orderCreated.dataversion, headers),
        settled,
      };
    },
  };
}

export type OrderApiActivities = ReturnType<typeof createOrderApiActivities>;
