import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { OrderApiActivities, ProcessorActivities } from './contract/activities.js';
import { checkDelayMs, durationOf } from './lifecycle/check-delay.js';
import { taskQueues, type OrderLifecycleInput, type OrderLifecycleResult } from './contract/messages.js';
import { followOrders, nameOf, type OrderProgress } from './lifecycle/order-progress.js';
import { parseInput } from './lifecycle/parse-facts.js';

/**
 * Publishing is retried indefinitely: after 200 ms, 400 ms, 800 ms, 1.6 s, 3.2 s, 6.4 s, 12.8 s, 25.6 s, then every
 * 30 s. One attempt may take 10 s, twice the publisher's own limit for a confirm; after that time, the server notices
 * that a worker died during an attempt.
 */
const publishing: ActivityOptions = {
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
};
const orderApi = proxyActivities<OrderApiActivities>({ ...publishing, taskQueue: taskQueues.orderApi });
const processor = proxyActivities<ProcessorActivities>({ ...publishing, taskQueue: taskQueues.processor });

/**
 * The same activities of the order API, run as local activities within the workflow task: one attempt, and no state
 * transition in Temporal other than that of the task itself. Without failures, an order completes in its first task.
 */
const inTask = proxyLocalActivities<OrderApiActivities>({
  startToCloseTimeout: '6 seconds',
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});
/** Well below the 10 s after which the server considers a workflow task lost and gives it to another worker. */
const fastPathMaxWaitMs = 3000;
/**
 * A message that has no effect although it was published this often to an empty queue is not lost but rejected: it is
 * dead-lettered, and an operator has to decide. With the default of 30 s, this limit is reached after four hours.
 */
const maxRepublishes = 10;

/**
 * The lifecycle of one order, or of a group of orders, from the first event to the settlement of the last order. It
 * waits indefinitely for both services and completes with the final status and version. Signals report progress to it,
 * but it does not rely on them: when it has received none for a while, it checks by itself. The databases are the
 * source of truth: a second run for an order publishes nothing twice and completes with the same result.
 */
export async function orderLifecycle(input: OrderLifecycleInput): Promise<OrderLifecycleResult> {
  const parsed = parseInput(input);
  const orders = followOrders(parsed);
  if (!parsed.known && orders.areOpen()) await publishCreated(orders);

  let checks = 0;
  while (orders.areOpen()) {
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof orderLifecycle>(orders.toInput());
    const decided = orders.takeDuePublishes();
    if (decided.length > 0) {
      await publishProcessed(orders, decided);
      checks = 0;
      continue;
    }
    const facts = orders.factCount();
    const delayMs = checkDelayMs(parsed.checkAfterMs, checks, Math.random());
    const heard = await orders.waitForProgress(delayMs);
    if (heard === 'progress') continue;
    const isAsked = heard === 'asked to look';
    const reason = isAsked ? heard : `nothing heard for ${durationOf(delayMs)}`;
    await check(orders, reason, isAsked || checks < maxRepublishes ? Math.floor(parsed.checkAfterMs / 2) : undefined);
    checks = orders.factCount() > facts ? 0 : checks + 1;
  }
  return orders.complete();
}

/** Publishes `order.created` with unlimited retries, then waits up to 3 s for the settlement within the same task. */
async function publishCreated(orders: OrderProgress): Promise<void> {
  const orderIds = orders.openIds();
  const summary = `publish order.created of ${nameOf(orderIds)}`;
  const published = await attempt(() => inTask.publishOrderCreated.executeWithOptions({ summary }, [{ orderIds }]));
  if (published === 'failed') {
    await whileOpen(orders, () => orderApi.publishOrderCreated.executeWithOptions({ summary }, [{ orderIds }]));
  }
  orders.tell('order.created published');
  if (orders.areOpen()) await lookForSettlement(orders, fastPathMaxWaitMs, `await the outcome of ${nameOf(orderIds)}`);
}

async function publishProcessed(orders: OrderProgress, orderIds: string[]): Promise<void> {
  const summary = `publish order.processed of ${nameOf(orderIds)}`;
  await whileOpen(orders, () => processor.publishOrderProcessed.executeWithOptions({ summary }, [{ orderIds }]));
  orders.tell(`order.processed of ${nameOf(orderIds)} published`);
}

/**
 * Asks both services about the open orders, records what they know, and requests that they republish lost messages.
 * @param republishAfterMs less than any delay before a check, so that everything that was published before the delay is
 * old enough; undefined when nothing is to be republished
 */
async function check(orders: OrderProgress, reason: string, republishAfterMs: number | undefined): Promise<void> {
  orders.tell(`${reason}: looked`);
  await lookForSettlement(orders, 0, `${reason}: look for the outcome of ${nameOf(orders.openIds())}`);
  const again = republishAfterMs === undefined ? {} : { republishAfterMs };
  const open = orders.openIds();
  if (open.length > 0) {
    const summary = `${reason}: ask the processor for the outcome of ${nameOf(open)}`;
    const known = await whileOpen(orders, () =>
      processor.publishOrderProcessed.executeWithOptions({ summary }, [{ orderIds: open, ...again }]),
    );
    orders.recordPublishedOutcomes(known);
  }
  const undecided = orders.createdToRepublish();
  if (undecided.length > 0) {
    const summary = `${reason}: publish order.created of ${nameOf(undecided)} again if it was lost`;
    await whileOpen(orders, () =>
      orderApi.publishOrderCreated.executeWithOptions({ summary }, [{ orderIds: undecided, ...again }]),
    );
  }
}

async function lookForSettlement(orders: OrderProgress, maxWaitMs: number, summary: string): Promise<void> {
  const orderIds = orders.openIds();
  const found = await attempt(() => inTask.awaitSettled.executeWithOptions({ summary }, [{ orderIds, maxWaitMs }]));
  if (found !== 'failed') orders.recordSettled(found);
}

/** Makes one attempt. Returns `failed` instead of throwing, because the caller has another way to get the result. */
async function attempt<T>(work: () => Promise<T>): Promise<T | 'failed'> {
  try {
    return await work();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return 'failed';
  }
}

/** Runs `work` until it returns or the last order is settled; the settlement cancels it. */
async function whileOpen<T>(orders: OrderProgress, work: () => Promise<T>): Promise<T | { outcomes: [] }> {
  const scope = new CancellationScope();
  try {
    return await scope.run(() =>
      Promise.race([work(), condition(() => !orders.areOpen()).then(() => ({ outcomes: [] as [] }))]),
    );
  } finally {
    scope.cancel();
  }
}
