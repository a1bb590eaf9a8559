import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { OrderApiActivities } from '../order-api/infrastructure/temporal/activities.js';
import type { ProcessorActivities } from '../processor/infrastructure/temporal/activities.js';
import { moveStragglers } from './move-stragglers.js';
import { followOrders } from './order-progress.js';
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
 * The life of one order, or of several that are carried together, from the first event to the settlement of the last. It
 * completes with the final status and version, and waits without limit, and without cost, for what others have to do; no
 * order waits for another's outcome. The databases hold the truth: a second run of an order whose first one was lost
 * publishes nothing twice and comes to the same end.
 */
export async function orderLifecycle(input: OrderLifecycleInput): Promise<OrderLifecycleResult> {
  const orders = followOrders(input);

  const created = { summary: `publish order.created of ${orders.nameOf(orders.ids)}` };
  const published = await orderApi.publishOrderCreated.executeWithOptions(created, [...orders.ids]);
  // A run that was started anew may find an order settled already; then there is no answer left to publish.
  orders.noteSettled(published.settled ?? []);

  while (!orders.areSettled()) {
    const { decided, undecided, unsettled } = orders.takeNews();
    if (decided.length > 0) {
      const processed = { summary: `publish order.processed of ${orders.nameOf(decided)}` };
      await processor.publishOrderProcessed.executeWithOptions(processed, decided);
    }
    if (undecided.length > 0) {
      const again = { summary: `publish order.created of ${orders.nameOf(undecided)} again` };
      const { settled = [] } = await orderApi.publishOrderCreatedAgain.executeWithOptions(again, undecided);
      orders.noteSettled(settled);
    }
    if (unsettled.length > 0) {
      const again = { summary: `publish order.processed of ${orders.nameOf(unsettled)} again` };
      await processor.publishOrderProcessedAgain.executeWithOptions(again, unsettled);
    }
    if (decided.length + undecided.length + unsettled.length > 0) continue;
    if ((await orders.untilNews()) === 'none') await moveStragglers(orders.leave());
  }
  return orders.settle();
}
