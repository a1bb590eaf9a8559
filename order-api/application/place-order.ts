import { isSameRequest, newOrder, type Order, type OrderRequest } from '../domain/order.js';
import type { OrderStore, OrderWorkflows } from './ports.js';

export type PlaceOrderResult =
  { readonly kind: 'created' | 'repeated'; readonly order: Order } | { readonly kind: 'conflicting' };

/**
 * Takes an order. Once this returns `created`, order and outbox row are committed and nothing can lose them; the
 * workflow follows off this path, and is started by the reconciler should that fail. The order id makes it idempotent:
 * the same order again is `repeated` and sets nothing off, another order under the same id is `conflicting`.
 * @throws OrderRefused when the total cannot be represented
 */
export function createPlaceOrder({ store, workflows }: { store: OrderStore; workflows: OrderWorkflows }) {
  return async function placeOrder(request: OrderRequest, traceparent: string): Promise<PlaceOrderResult> {
    const wanted = newOrder(request);
    const { order, created } = await store.place(wanted, traceparent);
    if (created) {
      workflows.startSoon(order.orderId);
      return { kind: 'created', order };
    }
    return isSameRequest(order, wanted) ? { kind: 'repeated', order } : { kind: 'conflicting' };
  };
}

export type PlaceOrder = ReturnType<typeof createPlaceOrder>;
