import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { claimOwedSignals, oweSignal, recordOnce, settleSignal } from '../../../infra/messaging/inbox.js';
import { addToOutbox } from '../../../infra/messaging/outbox.js';
import { inTransaction, type Queryable } from '../../../infra/postgres/pool.js';
import { orderCreated, type OrderCreated } from '../../../workflows/order-events.js';
import { UnknownOrder, type OrderStore } from '../../application/ports.js';
import type { NewOrder, Order, OrderItem, OrderStatus, Outcome } from '../../domain/order.js';

interface OrderRow {
  order_id: string;
  customer_id: string;
  status: OrderStatus;
  total_amount: string; // numeric comes as text, so that nothing is rounded on the way
  version: number;
  items: OrderItem[];
  failure_reason: string | null;
  created_at: Date;
  updated_at: Date;
}

const orderColumns =
  'order_id, customer_id, status, total_amount, version, items, failure_reason, created_at, updated_at';

/** Orders in Postgres. @param graceMs how long a new order's workflow has before the reconciler takes a look */
export function createOrderStore(pool: pg.Pool, graceMs: number): OrderStore {
  return {
    place: (order, traceparent) =>
      inTransaction(pool, async (tx) => {
        const created = await insertOrder(tx, order, graceMs);
        if (!created) return { order: await getOrder(tx, order.orderId), created: false };
        await insertEvent(tx, order.orderId, order.version, 'order.created', {});
        const message = {
          id: uuidv7(),
          aggregateId: order.orderId,
          type: orderCreated.type,
          payload: toOrderCreated(order),
          headers: { traceparent },
        };
        await addToOutbox(tx, message, graceMs);
        return { order: created, created: true };
      }),

    find: (orderId) => findOrder(pool, orderId),

    applyOutcome: (outcome, event) =>
      inTransaction(pool, async (tx) => {
        const first = await recordOnce(tx, { ...event, aggregateId: outcome.orderId });
        if (!first) return { order: await getOrder(tx, outcome.orderId), result: 'repeated' };
        const settled = await settleOrder(tx, outcome);
        if (settled) {
          await insertEvent(tx, outcome.orderId, outcome.version, 'order.processed', detailOf(outcome));
          return { order: settled, result: 'applied' };
        }
        const order = await getOrder(tx, outcome.orderId);
        await insertEvent(tx, outcome.orderId, outcome.version, 'order.outcome-ignored', {
          ...detailOf(outcome),
          why: `the order was ${order.status} at version ${order.version}`,
        });
        return { order, result: 'stale' };
      }),

    claimPending: (limit, recheckMs) => claimPending(pool, limit, recheckMs),
    markProvenPublished: () => markProvenPublished(pool),
    oweSettled: (eventKey) => oweSignal(pool, eventKey),
    claimOwedSettled: async (limit, recheckMs) => {
      const owed = await claimOwedSignals(pool, limit, recheckMs);
      return Promise.all(
        owed.map(async ({ eventKey, aggregateId }) => ({ eventKey, order: await getOrder(pool, aggregateId) })),
      );
    },
    clearOwedSettled: (eventKey) => settleSignal(pool, eventKey),
  };
}

/** Waits for a concurrent insert of the same id: it then finds the row, or takes its place if that one rolled back. */
async function insertOrder(tx: Queryable, order: NewOrder, graceMs: number): Promise<Order | undefined> {
  const { rows } = await tx.query<OrderRow>(
    `insert into orders (order_id, customer_id, status, total_amount, version, items, check_at)
     values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond')
     on conflict (order_id) do nothing
     returning ${orderColumns}`,
    [
      order.orderId,
      order.customerId,
      order.status,
      String(order.totalAmount),
      order.version,
      JSON.stringify(order.items),
      graceMs,
    ],
  );
  return rows[0] && toOrder(rows[0]);
}

async function findOrder(db: Queryable, orderId: string): Promise<Order | undefined> {
  const { rows } = await db.query<OrderRow>(`select ${orderColumns} from orders where order_id = $1`, [orderId]);
  return rows[0] && toOrder(rows[0]);
}

async function getOrder(db: Queryable, orderId: string): Promise<Order> {
  const order = await findOrder(db, orderId);
  if (!order) throw new UnknownOrder(`there is no order ${orderId}`);
  return order;
}

/** Stale loses, and a settled order stays as it is: both checks are in the statement that changes the row. */
async function settleOrder(tx: Queryable, outcome: Outcome): Promise<Order | undefined> {
  const { rows } = await tx.query<OrderRow>(
    `update orders
     set status = $2, version = $3, failure_reason = $4, updated_at = now()
     where order_id = $1 and version < $3 and status = 'pending'
     returning ${orderColumns}`,
    [outcome.orderId, outcome.status, outcome.version, outcome.reason],
  );
  return rows[0] && toOrder(rows[0]);
}

async function insertEvent(
  tx: Queryable,
  orderId: string,
  version: number,
  type: string,
  detail: object,
): Promise<void> {
  await tx.query(`insert into order_events (order_id, version, type, detail) values ($1, $2, $3, $4)`, [
    orderId,
    version,
    type,
    detail,
  ]);
}

/** A lease, as with the outbox: no lock is held while workflows are started. */
async function claimPending(db: Queryable, limit: number, recheckMs: number): Promise<{ orderId: string }[]> {
  const { rows } = await db.query<{ orderId: string }>(
    `update orders
     set check_at = now() + $2 * interval '1 millisecond'
     where order_id in (
       select order_id from orders
       where status = 'pending' and check_at <= now()
       order by check_at
       limit $1
       for update skip locked
     )
     returning order_id as "orderId"`,
    [limit, recheckMs],
  );
  return rows;
}

async function markProvenPublished(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `update outbox
     set published_at = now()
     from orders
     where outbox.published_at is null and outbox.check_at <= now()
       and orders.order_id = outbox.aggregate_id and orders.status <> 'pending'`,
  );
  return rowCount ?? 0;
}

function toOrder(row: OrderRow): Order {
  return {
    orderId: row.order_id,
    customerId: row.customer_id,
    status: row.status,
    totalAmount: Number(row.total_amount),
    version: row.version,
    items: row.items,
    failureReason: row.failure_reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
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

function detailOf({ status, reason }: Outcome): object {
  return reason === null ? { status } : { status, reason };
}
