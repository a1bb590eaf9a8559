import { activityInfo } from '@temporalio/activity';
import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import type { IsQueueEmpty } from '../../../infra/rabbitmq/queue-inspector.js';
import type { OrderApiActivities } from '../../../workflows/contract/activities.js';
import { orderCreated, workflowIdHeader } from '../../../workflows/order-events.js';
import type { FirstEvents } from './first-events.js';
import type { SettlementWaiters } from './settlement-waiters.js';

export interface OrderApiActivitiesOptions {
  readonly relay: OutboxRelay;
  readonly waiters: SettlementWaiters;
  readonly isQueueEmpty: IsQueueEmpty;
  readonly firstEvents: Pick<FirstEvents, 'attempted'>;
}

/** Implements the activities that the workflow runs on the order API. */
export function createOrderApiActivities(options: OrderApiActivitiesOptions): OrderApiActivities {
  const { relay, waiters, isQueueEmpty, firstEvents } = options;
  return {
    publishOrderCreated: async ({ orderIds, republishAfterMs }) => {
      const workflowId = activityInfo().workflowExecution?.workflowId ?? '';
      let isPublished = false;
      try {
        const messageIds = await relay.publish({
          aggregateIds: orderIds,
          type: orderCreated.type,
          dataversion: orderCreated.dataversion,
          headers: { [workflowIdHeader]: workflowId },
          republishAfterMs:
            republishAfterMs !== undefined && (await isQueueEmpty(orderCreated.queue)) ? republishAfterMs : undefined,
        });
        isPublished = true;
        return { messageIds };
      } finally {
        firstEvents.attempted(workflowId, isPublished);
      }
    },
    awaitSettled: async ({ orderIds, maxWaitMs }) => ({ outcomes: await waiters.wait(orderIds, maxWaitMs) }),
  };
}
