import { sleep } from '@temporalio/workflow';
import type { OrderLifecycleInput, OrderLifecycleResult } from '../contract/messages.js';
import { orderLifecycle as released } from '../order-lifecycle.js';

/** What nobody must do to a released workflow: a new step before the first one, without `patched`. For replay.test.ts. */
export async function orderLifecycle(input: OrderLifecycleInput): Promise<OrderLifecycleResult> {
  await sleep('1 ms');
  return released(input);
}
