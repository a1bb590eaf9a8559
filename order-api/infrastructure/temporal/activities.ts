import { activityInfo } from '@temporalio/activity';
import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import type { IsQueueEmpty } from '../../../infra/rabbitmq/queue-inspector.js';
import type { OrderApiActivities } from '../../../workflows/activities.js';
import { orderCreated, workflowIdHeader } from '../../../workflows/order-events.js';
import type { SettlementWaiters } from './settlement-waiters.js';

export interface OrderApiActivitiesOptions {
  readonly relay: OutboxRelay;
  readonly waiters: SettlementWaiters;
  readonly isQueueEmpty: IsQueueEmpty;
  /** Is told of each workflow that has published the first events of its orders. */
  readonly onPublished: (workflowId: string) => void;
}

/** What the workflow has the order API do. */
export function createOrderApiActivities(options: OrderApiActivitiesOptions): OrderApiActivities {
  const { relay, waiters, isQueueEmpty, onPublished } = options;
  return {
    publishOrderCreated: async ({ orderIds, republishAfterMs }) => {
      const workflowId = activityInfo().workflowExecution?.workflowId ?? '';
      const messageIds = await relay.publish({
        aggregateIds: orderIds,
        type: orderCreated.type,
        dataversion: orderCreated.dataversion,
        headers: { [workflowIdHeader]: workflowId },
        republishAfterMs:
          republishAfterMs !== undefined && (await isQueueEmpty(orderCreated.queue)) ? republishAfterMs : undefined,
      });
      onPublished(workflowId);
      return { messageIds };
    },
    awaitSettled: async ({ orderIds, maxWaitMs }) => ({ outcomes: await waiters.wait(orderIds, maxWaitMs) }),
  };
}
