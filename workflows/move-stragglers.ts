import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { getExternalWorkflowHandle, log, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { outcomeReady, settled, workflowIdOf, type SingleOrder } from './messages.js';
import { startDescriptionOf } from './start-description.js';
import type { TrackedOrder } from './tracked-order.js';

/**
 * Gives each of these orders, the last of their group, a workflow of its own, so that the group can close. What is known
 * of an order goes along, and what is heard of it until the last of them has moved is passed on.
 */
export async function moveStragglers(orders: readonly TrackedOrder[]): Promise<void> {
  const passed = new Set<object>();
  await Promise.all(orders.map((order) => startOwnWorkflow(order, passed)));
  // Each pass takes time in which more may be heard; there are two things to hear of an order, so this ends.
  for (let news = unpassed(orders, passed); news.length > 0; news = unpassed(orders, passed)) {
    await Promise.all(news.map((order) => passOn(order, passed)));
  }
}

async function startOwnWorkflow({ id, outcome }: TrackedOrder, passed: Set<object>): Promise<void> {
  const input: SingleOrder = outcome ? { orderId: id, outcome } : { orderId: id };
  try {
    await startChild(workflowInfo().workflowType, {
      workflowId: workflowIdOf(id),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      ...startDescriptionOf([id]),
    });
    if (outcome) passed.add(outcome);
  } catch (error) {
    // It was given one already, by a reconciler.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function unpassed(orders: readonly TrackedOrder[], passed: ReadonlySet<object>): readonly TrackedOrder[] {
  return orders.filter(({ outcome, settlement }) =>
    [outcome, settlement].some((fact) => fact !== undefined && !passed.has(fact)),
  );
}

async function passOn({ id, outcome, settlement }: TrackedOrder, passed: Set<object>): Promise<void> {
  const own = getExternalWorkflowHandle(workflowIdOf(id));
  for (const [signal, fact] of [
    [outcomeReady, outcome],
    [settled, settlement],
  ] as const) {
    if (fact === undefined || passed.has(fact)) continue;
    passed.add(fact);
    await own.signal(signal, { orderId: id, ...fact }).catch((error: unknown) => {
      log.info('an order that was moved has ended meanwhile', { orderId: id, error: String(error) });
    });
  }
}
