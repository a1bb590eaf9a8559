import type { OutboxRelay } from '../../../infra/messaging/outbox-relay.js';
import { orderProcessed, workflowIdHeader } from '../../../workflows/order-events.js';
import { publishingWorkflow } from '../../../workflows/publishing-workflow.js';

/** What the workflow has the processor do. Results carry ids only, since they enter the workflow's history. */
export function createProcessorActivities(relay: OutboxRelay) {
  return {
    /** Publishes the `order.processed` of these orders, unless that is done already. Throws, and is retried, until it is. */
    async publishOrderProcessed(...orderIds: string[]): Promise<{ messageIds: string[] }> {
      const headers = { [workflowIdHeader]: publishingWorkflow() };
      return { messageIds: await relay.publish(orderIds, orderProcessed.type, orderProcessed.dataversion, headers) };
    },

    /** As `publishOrderProcessed`, though it was published before. */
    async publishOrderProcessedAgain(...orderIds: string[]): Promise<{ messageIds: string[] }> {
      const headers = { [workflowIdHeader]: publishingWorkflow() };
      return {
        messageIds: await relay.publishAgain(orderIds, orderProcessed.type, orderProcessed.dataversion, headers),
      };
    },
  };
}

export type ProcessorActivities = ReturnType<typeof createProcessorActivities>;
