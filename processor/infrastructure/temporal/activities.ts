import type { IsQueueEmpty } from '../../../infra/rabbitmq/queue-inspector.js';
import type { ProcessorActivities } from '../../../workflows/contract/activities.js';
import { orderProcessed } from '../../../workflows/order-events.js';
import type { ProcessingStore } from '../../application/ports.js';
import type { PublishOutcomes } from '../publish-outcomes.js';

export interface ProcessorActivitiesOptions {
  readonly store: Pick<ProcessingStore, 'findProcessed'>;
  readonly publishOutcomes: PublishOutcomes;
  readonly isQueueEmpty: IsQueueEmpty;
}

/** Implements the activities that the workflow runs on the processor. */
export function createProcessorActivities(options: ProcessorActivitiesOptions): ProcessorActivities {
  const { store, publishOutcomes, isQueueEmpty } = options;
  return {
    publishOrderProcessed: async ({ orderIds, republishAfterMs }) => {
      const processed = await store.findProcessed(orderIds);
      const processedIds = processed.map(({ orderId }) => orderId);
      const mayRepublish = republishAfterMs !== undefined && (await isQueueEmpty(orderProcessed.queue));
      const messageIds = await publishOutcomes(processedIds, mayRepublish ? republishAfterMs : undefined);
      const outcomes = processed.map(({ orderId, status, version }) => ({ orderId, status, version }));
      return { outcomes, messageIds };
    },
  };
}
