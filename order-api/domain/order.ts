import { problemWithJsonNumber, totalOf, type Amount } from './money.js';

export type OrderStatus = 'pending' | 'done' | 'failed';

export interface OrderItem {
  readonly sku: string;
  readonly quantity: number;
  /** Always an amount that a JSON number represents exactly. */
  readonly price: number;
}

export interface Order {
  readonly orderId: string;
  readonly customerId: string;
  readonly status: OrderStatus;
  readonly totalAmount: number;
  readonly version: number;
  readonly items: readonly OrderItem[];
  readonly failureReason: string | null;
  /** The workflow that carries the order; null until one is about to be started. */
  readonly workflowId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A customer's request for an order; its syntax has already been validated. */
export interface OrderRequest {
  readonly orderId: string;
  readonly customerId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly price: Amount }[];
}

/** An order before it is stored: pending, at version 1, without a workflow. The database sets its timestamps. */
export type NewOrder = Omit<Order, 'createdAt' | 'updatedAt' | 'workflowId'>;

/** What the processor decided for an order. */
export interface Outcome {
  readonly orderId: string;
  readonly status: 'done' | 'failed';
  readonly reason: string | null;
  readonly version: number;
}

/** The requested order cannot be accepted, for a reason the customer can correct. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused';
}

/**
 * Creates the new order for a request, with its exact total.
 * @throws OrderRefused when no JSON number represents the total exactly
 */
export function newOrder({ orderId, customerId, items }: OrderRequest): NewOrder {
  const total = totalOf(items);
  const problem = problemWithJsonNumber(total);
  if (problem) throw new OrderRefused(`the total amount ${total.toPrecision(20)} ${problem}; split the order`);
  return {
    orderId,
    customerId,
    status: 'pending',
    totalAmount: total.toNumber(),
    version: 1,
    items: items.map((item) => ({ sku: item.sku, quantity: item.quantity, price: item.price.toNumber() })),
    failureReason: null,
  };
}

/** True when both have the same customer and the same items in the same order, however their prices are written. */
export function isSameRequest(a: Pick<Order, 'customerId' | 'items'>, b: Pick<Order, 'customerId' | 'items'>): boolean {
  return (
    a.customerId === b.customerId &&
    a.items.length === b.items.length &&
    a.items.every((item, index) => {
      const other = b.items[index];
      return item.sku === other?.sku && item.quantity === other.quantity && item.price === other.price;
    })
  );
}
