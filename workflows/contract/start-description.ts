import { TypedSearchAttributes } from '@temporalio/common';
import { searchAttributes } from './messages.js';

/**
 * Returns the summary, details and search attributes that a workflow has from its start. The server accepts a summary
 * of at most 200 bytes.
 */
export function startDescriptionOf(orderIds: readonly string[]) {
  const [first, ...others] = orderIds;
  return {
    staticSummary: others.length === 0 ? `Order ${first}` : `${orderIds.length} orders, the first is ${first}`,
    staticDetails: 'publish order.created → await the outcome → publish order.processed → await the settlement',
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.orderId, value: [...orderIds] },
      { key: searchAttributes.orderStatus, value: 'pending' },
      { key: searchAttributes.orderStage, value: 'publishingCreated' },
    ]),
  };
}
