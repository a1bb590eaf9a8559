import type { NewOrder, Outcome } from '../../../order-api/domain/order.js';

export const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export function anOrder(orderId: string): NewOrder {
  return {
    orderId,
    customerId: 'c-1',
    status: 'pending',
    totalAmount: 1,
    version: 1,
    items: [{ sku: 'A', quantity: 1, price: 1 }],
    failureReason: null,
  };
}

export function done(orderId: string): Outcome {
  return { orderId, status: 'done', reason: null, version: 2 };
}

export function failed(orderId: string, reason: string): Outcome {
  return { orderId, status: 'failed', reason, version: 2 };
}
