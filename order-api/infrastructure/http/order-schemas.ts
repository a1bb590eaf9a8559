import { Decimal } from 'decimal.js';
import { z } from 'zod';
import type { Fault } from '../../../infra/http/problem.js';
import { faultOfPrice, parseAmount } from '../../domain/money.js';
import type { Order, OrderRequest } from '../../domain/order.js';

/**
 * The body of `POST /orders`. Its numbers arrive as the digits the caller wrote (see parseOrderBody), so that a price
 * is never a binary fraction on its way in.
 */
export const idPattern = /^[A-Za-z0-9._:-]{1,128}$/;

const idSchema = z
  .string('must be a string')
  .regex(idPattern, 'must be 1 to 128 characters out of A-Z, a-z, 0-9, ".", "_", ":", "-"');

const quantityMessage = 'must be a whole number from 1 to 1,000,000';
const quantitySchema = z
  .instanceof(Decimal, { error: quantityMessage })
  .refine((value) => value.isInteger() && value.gte(1) && value.lte(1_000_000), quantityMessage)
  .transform((value) => value.toNumber());

const priceSchema = z
  .union([z.instanceof(Decimal), z.string()], 'must be a number, or a string such as "12.50"')
  .transform((value, context) => {
    const written = typeof value === 'string' && !/^\d+(\.\d+)?$/.test(value) ? undefined : String(value);
    const amount = written === undefined ? undefined : parseAmount(written);
    const fault = amount ? faultOfPrice(amount) : 'must be a decimal number, such as 12.50';
    if (amount && !fault) return amount;
    context.addIssue({ code: 'custom', message: fault ?? '' });
    return z.NEVER;
  });

/** An object with these fields and no other. A Decimal is an object to JavaScript, but a number to whoever sent it. */
function objectOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const error = 'must be an object';
  return z
    .unknown()
    .refine((value) => !(value instanceof Decimal), { error, abort: true })
    .pipe(z.strictObject(shape, { error: ({ code }) => (code === 'invalid_type' ? error : undefined) }));
}

const itemSchema = objectOf({
  // Letters, digits, punctuation, symbols and spaces; no control characters, no line breaks, nothing invisible only.
  sku: z
    .string('must be a string')
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,128}$/u, 'must be 1 to 128 printable characters')
    .regex(/\S/u, 'must not be blank'),
  quantity: quantitySchema,
  price: priceSchema,
});

export const orderBodySchema = objectOf({
  order_id: idSchema,
  customer_id: idSchema,
  items: z
    .array(itemSchema, 'must be an array of items')
    .min(1, 'must hold at least one item')
    .max(100, 'must hold at most 100 items'),
});

/** Every fault of a body at once, each under the JSON pointer of the value it is about. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), detail: 'is not a known field' }));
    }
    return [{ pointer: pointerTo(issue.path), detail: issue.message }];
  });
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export function toOrderRequest(body: z.output<typeof orderBodySchema>): OrderRequest {
  return { orderId: body.order_id, customerId: body.customer_id, items: body.items };
}

/** An order as `POST` and `GET` answer it. The first five fields are a fixed contract. */
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
