import type Router from '@koa/router';
import type { RequestState } from '../../../infra/http/http-app.js';
import { receiveJsonText } from '../../../infra/http/json-text.js';
import { Problem } from '../../../infra/http/problem.js';
import { limitConcurrency, limitDuration } from '../../../infra/http/request-limits.js';
import { validationErrorsOf } from '../../../infra/http/validation-errors.js';
import { idPattern } from '../../../workflows/order-grammar.js';
import type { OrderStore } from '../../application/ports.js';
import type { PlaceOrder } from '../../application/place-order.js';
import { OrderRefused } from '../../domain/order.js';
import { parseJsonBody } from './json-body.js';
import { orderBodySchema, toOrderBody, toOrderRequest } from './order-schemas.js';

export interface OrderRoutesOptions {
  readonly placeOrder: PlaceOrder;
  readonly store: Pick<OrderStore, 'find'>;
  /** How many orders are placed concurrently at most; further requests are refused with 503. */
  readonly maxConcurrent: number;
}

/** Adds `POST /orders`, which places an order, and `GET /orders/{order_id}`, which returns it. */
export function addOrderRoutes(
  router: Router<RequestState>,
  { placeOrder, store, maxConcurrent }: OrderRoutesOptions,
): void {
  router.post(
    '/orders',
    receiveJsonText,
    limitConcurrency(maxConcurrent),
    parseJsonBody,
    limitDuration,
    async (ctx) => {
      const parsed = orderBodySchema.safeParse(ctx.state.body);
      if (!parsed.success) {
        throw new Problem(422, 'validation failed; see errors', { errors: validationErrorsOf(parsed.error) });
      }
      const request = toOrderRequest(parsed.data);
      const placement = await placeOrder(request, ctx.state.traceparent).catch((error: unknown) => {
        if (!(error instanceof OrderRefused)) throw error;
        throw new Problem(422, error.message, { errors: [{ pointer: '/items', detail: error.message }] });
      });
      ctx.state.logger.info({ order_id: request.orderId, outcome: placement.kind }, 'order placed');
      if (placement.kind === 'conflicting') {
        throw new Problem(409, 'another order with different content has this order_id; use a new one');
      }
      ctx.status = placement.kind === 'created' ? 201 : 200;
      ctx.set('Location', `/orders/${encodeURIComponent(request.orderId)}`);
      ctx.body = toOrderBody(placement.order);
    },
  );

  router.get('/orders/:order_id', limitDuration, async (ctx) => {
    const orderId = ctx.params['order_id'] ?? '';
    // An invalid id belongs to no order, and Postgres would reject some of them, such as an id with a zero byte.
    const order = idPattern.test(orderId) ? await store.find(orderId) : undefined;
    if (!order) throw new Problem(404, 'there is no such order');
    ctx.body = toOrderBody(order);
  });
}
