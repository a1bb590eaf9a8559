import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { OrderApiActivities } from '../order-api/infrastructure/temporal/activities.js';
import type { ProcessorActivities } from '../processor/infrastructure/temporal/activities.js';
import { followOrder } from './order-progress.js';
import { taskQueues, type OrderLifecycleInput, type OrderLifecycleResult } from './messages.js';

/**
 * Publishing is tried for as long as it takes: after 200 ms, 400 ms, 800 ms, 1.6 s, 3.2 s, 6.4 s, 12.8 s, 25.6 s, then
 * every 30 s. One attempt may take 10 s, twice the publisher's own limit for a confirm; a worker that died in the
 * middle of one is noticed after that time.
 */
const publishing: ActivityOptions = {
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
};

const orderApi = proxyActivities<OrderApiActivities>({ ...publishing, taskQueue: taskQueues.orderApi });
const processor = proxyActivities<ProcessorActivities>({ ...publishing, taskQueue: taskQueues.processor });

/**
 * The life of one order, from its first event to its settlement. It completes with the order's final status and version,
 * and waits without limit, and without cost, for what others have to do. The databases hold the truth: a second run of
 * an order whose first one was lost publishes nothing twice and comes to the same end.
 */
export async function orderLifecycle({ orderId }: OrderLifecycleInput): Promise<OrderLifecycleResult> {
  const order = followOrder(orderId);

  await orderApi.publishOrderCreated.executeWithOptions({ summary: `publish order.created of ${orderId}` }, [orderId]);

  await order.until('awaitingOutcome', () => order.outcome !== undefined || order.settlement !== undefined);

  // A run that was started anew may find the order settled already; then there is no answer left to publish.
  if (order.settlement === undefined) {
    order.enter('publishingProcessed');
    await processor.publishOrderProcessed.executeWithOptions({ summary: `publish order.processed of ${orderId}` }, [
      orderId,
    ]);
  }
  await order.until('awaitingSettlement', () => order.settlement !== undefined);

  return order.settle();
}
