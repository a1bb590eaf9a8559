import { TypedSearchAttributes } from '@temporalio/common';
import { searchAttributes } from './messages.js';

/** What people see of a workflow from its start on, and find it by. The server takes 200 bytes of summary. */
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
