import { isSameRequest, newOrder, type Order, type OrderRequest } from '../domain/order.js';
import type { OrderStore, OrderWorkflows } from './ports.js';

export type PlaceOrderResult =
  { readonly kind: 'created' | 'repeated'; readonly order: Order } | { readonly kind: 'conflicting' };

export interface PlaceOrderOptions {
  readonly store: Pick<OrderStore, 'place'>;
  readonly workflows: Pick<OrderWorkflows, 'startSoon'>;
}

/**
 * Accepts an order. Once this returns `created`, the order and its outbox row are committed and cannot be lost. The
 * workflow is started off this path; if that fails, the reconciler starts it. The order id is the idempotency key: the
 * same order again is `repeated` and has no effect, a different order under the same id is `conflicting`.
 * @throws OrderRefused when a JSON number cannot represent the total exactly; the database's error while Postgres is
 * unavailable
 */
export function createPlaceOrder({ store, workflows }: PlaceOrderOptions) {
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
