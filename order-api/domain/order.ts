import { faultOfJsonNumber, totalOf, type Amount } from './money.js';

export type OrderStatus = 'pending' | 'done' | 'failed';

export interface OrderItem {
  readonly sku: string;
  readonly quantity: number;
  /** Always an amount that a JSON number carries exactly. */
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
  /** The workflow that carries it; null until one is about to be started. */
  readonly workflowId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a customer asks for, already checked for its form. */
export interface OrderRequest {
  readonly orderId: string;
  readonly customerId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly price: Amount }[];
}

/** An order as it begins: pending, version 1, without a workflow; its times are the database's. */
export type NewOrder = Omit<Order, 'createdAt' | 'updatedAt' | 'workflowId'>;

/** The processor's answer to an order. */
export interface Outcome {
  readonly orderId: string;
  readonly status: 'done' | 'failed';
  readonly reason: string | null;
  readonly version: number;
}

/** The order asked for cannot be taken, for a reason the customer can mend. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused';
}

/**
 * The new order for a request, with its exact total.
 * @throws OrderRefused when the total cannot be answered as an exact JSON number
 */
export function newOrder({ orderId, customerId, items }: OrderRequest): NewOrder {
  const total = totalOf(items);
  const fault = faultOfJsonNumber(total);
  if (fault) throw new OrderRefused(`the total amount ${total.toPrecision(20)} ${fault}; split the order`);
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

/** True when both ask for the same: the same customer and the same items in the same order, however prices are written. */
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
