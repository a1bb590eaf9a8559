import { LosslessNumber } from 'lossless-json';
import { z } from 'zod';
import { idSchema, maxItems, maxQuantity, skuSchema } from '../../../workflows/order-grammar.js';
import { problemWithPrice, parseAmount } from '../../domain/money.js';
import type { Order, OrderRequest } from '../../domain/order.js';

const quantityMessage = 'must be a whole number from 1 to 1,000,000';
const quantitySchema = z
  .instanceof(LosslessNumber, { error: quantityMessage })
  .transform(({ value }) => parseAmount(value))
  .refine((quantity) => quantity?.isInteger() && quantity.gte(1) && quantity.lte(maxQuantity), quantityMessage)
  .transform((quantity) => quantity?.toNumber() ?? 0);

const priceSchema = z
  .union([z.instanceof(LosslessNumber), z.string()], 'must be a number, or a string such as "12.50"')
  .transform((value, context) => {
    const written = typeof value !== 'string' ? value.value : /^\d+(\.\d+)?$/.test(value) ? value : '';
    const amount = parseAmount(written);
    const problem = amount ? problemWithPrice(amount) : 'must be a decimal number, such as 12.50';
    if (amount && !problem) return amount;
    context.addIssue({ code: 'custom', message: problem ?? '' });
    return z.NEVER;
  });

/** An object with exactly these fields. A LosslessNumber is an object in JavaScript, but the client sent a number. */
function objectOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const error = 'must be an object';
  return z
    .unknown()
    .refine((value) => !(value instanceof LosslessNumber), { error, abort: true })
    .pipe(z.strictObject(shape, { error: ({ code }) => (code === 'invalid_type' ? error : undefined) }));
}

const itemSchema = objectOf({ sku: skuSchema, quantity: quantitySchema, price: priceSchema });

/**
 * The body of `POST /orders`. Its numbers arrive as the digits that the client sent (see `parseJson`) and become
 * decimals here, where their meaning is known, so that a price is never a binary fraction on its way in.
 */
export const orderBodySchema = objectOf({
  order_id: idSchema,
  customer_id: idSchema,
  items: z
    .array(itemSchema, 'must be an array of items')
    .min(1, 'must contain at least one item')
    .max(maxItems, `must contain at most ${maxItems} items`),
});

export function toOrderRequest(body: z.output<typeof orderBodySchema>): OrderRequest {
  return { orderId: body.order_id, customerId: body.customer_id, items: body.items };
}

/** Returns an order as `POST` and `GET` answer it. The first five fields are a fixed contract. */
export function toOrderBody(order: Order): object {
  return {
    order_id: order.orderId,
    customer_id: order.customerId,
    status: order.status,
    total_amount: order.totalAmount,
    version: order.version,
    items: order.items.map(({ sku, quantity, price }) => ({ sku, quantity, price })),
    failure_reason: order.failureReason,
    workflow_id: order.workflowId,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
  };
}
