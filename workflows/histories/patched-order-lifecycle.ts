import { patched, sleep } from '@temporalio/workflow';
import type { OrderLifecycleInput, OrderLifecycleResult } from '../contract/messages.js';
import { orderLifecycle as released } from '../order-lifecycle.js';

/** How a released workflow may be changed: a new step before the first one, for those that begin with it only. */
export async function orderLifecycle(input: OrderLifecycleInput): Promise<OrderLifecycleResult> {
  if (patched('a-moment-first')) await sleep('1 ms');
  return released(input);
}
