import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../../../infra/postgres/pool.js';
import { orderCreated, type OrderCreated } from '../../../workflows/order-events.js';
import type { NewOrder, Order } from '../../domain/order.js';
import { orderColumns, toOrder, type OrderRow } from './order-rows.js';

/** The command to place one order. */
export interface PlaceOrder {
  readonly order: NewOrder;
  readonly traceparent: string;
}

export interface PlacedOrder {
  readonly order: Order;
  readonly created: boolean;
}

/**
 * Stores orders, each with its first history entry and its outbox row, in one statement, which is one transaction and
 * one round trip. Returns a result for each, in their order. An order that already exists is returned as it is. If
 * another transaction is placing the same order, the statement waits for it: when the other rolls back, this one stores
 * the order; when the other commits, this statement cannot see the order and returns undefined for it. Orders are
 * inserted in the sequence of their ids, so that two such statements cannot deadlock.
 */
export async function placeOrders(
  db: Queryable,
  wanted: readonly PlaceOrder[],
  graceMs: number,
): Promise<(PlacedOrder | undefined)[]> {
  // If an order is in the batch twice, the first one is placed.
  const commands = [...new Map([...wanted].reverse().map((each) => [each.order.orderId, each])).values()];
  const orders = commands.map(({ order }) => order);
  const { rows } = await db.query<OrderRow & { created: boolean }>({
    name: 'place-orders',
    text: `with wanted as (
             select * from unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::int[], $6::text[],
                                  $7::uuid[], $8::text[], $9::text[])
               as wanted (id, customer_id, status, total_amount, version, items, message_id, payload, headers)
           ), placed as (
             insert into orders (order_id, customer_id, status, total_amount, version, items, check_at)
             select id, customer_id, status, total_amount, version, items::jsonb, now() + $10 * interval '1 millisecond'
             from wanted
             order by id
             on conflict (order_id) do nothing
             returning ${orderColumns}
           ), history as (
             insert into order_events (order_id, version, type)
             select order_id, version, $11 from placed
           ), queued as (
             insert into outbox (id, aggregate_id, type, payload, headers, check_at)
             select message_id, order_id, $11, payload::jsonb, headers::jsonb,
                    now() + $10 * interval '1 millisecond'
             from placed join wanted on order_id = id
           )
           select ${orderColumns}, true as created from placed
           union all
           select ${orderColumns}, false as created from orders
           where order_id = any($1) and order_id not in (select order_id from placed)`,
    values: [
      orders.map(({ orderId }) => orderId),
      orders.map(({ customerId }) => customerId),
      orders.map(({ status }) => status),
      orders.map(({ totalAmount }) => String(totalAmount)),
      orders.map(({ version }) => version),
      orders.map(({ items }) => JSON.stringify(items)),
      orders.map(() => uuidv7()),
      orders.map((order) => JSON.stringify(toOrderCreated(order))),
      commands.map(({ traceparent }) => JSON.stringify({ traceparent })),
      graceMs,
      orderCreated.type,
    ],
  });
  const byId = new Map(rows.map((row) => [row.order_id, { order: toOrder(row), created: row.created }]));
  return wanted.map(({ order: { orderId } }) => {
    const placed = byId.get(orderId);
    if (placed) byId.set(orderId, { ...placed, created: false });
    return placed;
  });
}

function toOrderCreated(order: NewOrder): OrderCreated {
  return {
    order_id: order.orderId,
    customer_id: order.customerId,
    items: order.items.map(({ sku, quantity, price }) => ({ sku, quantity, price })),
    total_amount: order.totalAmount,
    version: order.version,
  };
}
