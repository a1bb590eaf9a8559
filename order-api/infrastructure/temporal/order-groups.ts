import { v7 as uuidv7 } from 'uuid';
import { groupIdPrefix, workflowIdOf } from '../../../workflows/contract/messages.js';

/** Orders that one workflow carries from their first event to their settlement. */
export interface OrderGroup<Order extends { readonly orderId: string }> {
  readonly workflowId: string;
  readonly orders: readonly Order[];
}

/**
 * The server refuses a search attribute of more than 2,048 bytes (measured with server 1.31.2). `OrderId` lists the
 * orders as a JSON array, so about 50 ids of 36 characters fit.
 */
const maxOrderIdListBytes = 2048;

/** Returns a new workflow id that cannot be the id of an order's own workflow. */
export function newGroupId(): string {
  return groupIdPrefix + uuidv7();
}

/**
 * Removes the next group from the front of `waiting`: at most `limit` orders, and no more than the search attribute can
 * list. A single order gets the workflow named after it; a group of several gets a new, unique workflow id. Returns
 * undefined when no order waits.
 */
export function takeGroup<Order extends { readonly orderId: string }>(
  waiting: Order[],
  limit: number,
): OrderGroup<Order> | undefined {
  let size = 0;
  let bytes = '[]'.length;
  for (const { orderId } of waiting.slice(0, limit)) {
    bytes += Buffer.byteLength(JSON.stringify(orderId)) + ','.length;
    if (size > 0 && bytes > maxOrderIdListBytes) break;
    size += 1;
  }
  const orders = waiting.splice(0, size);
  const [first, ...others] = orders;
  if (!first) return undefined;
  return { orders, workflowId: others.length === 0 ? workflowIdOf(first.orderId) : newGroupId() };
}
