import type { Queryable } from '../../../infra/postgres/pool.js';
import { UnknownOrder } from '../../application/ports.js';
import type { Order, OrderItem, OrderStatus } from '../../domain/order.js';

export interface OrderRow {
  order_id: string;
  customer_id: string;
  status: OrderStatus;
  total_amount: string; // pg returns numeric as text, so nothing is rounded
  version: number;
  items: OrderItem[];
  failure_reason: string | null;
  workflow_id: string | null;
  created_at: Date;
  updated_at: Date;
}

export const orderColumns =
  'order_id, customer_id, status, total_amount, version, items, failure_reason, workflow_id, created_at, updated_at';

export function toOrder(row: OrderRow): Order {
  return {
    orderId: row.order_id,
    customerId: row.customer_id,
    status: row.status,
    totalAmount: Number(row.total_amount),
    version: row.version,
    items: row.items,
    failureReason: row.failure_reason,
    workflowId: row.workflow_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Returns those of these orders that exist, by id. */
export async function findOrders(db: Queryable, orderIds: readonly string[]): Promise<Map<string, Order>> {
  const { rows } = await db.query<OrderRow>({
    name: 'find-orders',
    text: `select ${orderColumns} from orders where order_id = any($1)`,
    values: [orderIds],
  });
  return new Map(rows.map((row) => [row.order_id, toOrder(row)]));
}

/** Returns the order with this id. @throws UnknownOrder when it is not among `orders` */
export function requireOrder(orders: ReadonlyMap<string, Order>, orderId: string): Order {
  const order = orders.get(orderId);
  if (!order) throw new UnknownOrder(`there is no order ${orderId}`);
  return order;
}
