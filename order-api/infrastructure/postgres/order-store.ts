import type pg from 'pg';
import { claimOwedSignals, oweSignal, settleSignal } from '../../../infra/messaging/inbox.js';
import { isPostgresOutage } from '../../../infra/postgres/outage.js';
import { inTransaction, type Queryable } from '../../../infra/postgres/pool.js';
import { createBatcher } from '../../../infra/runtime/batcher.js';
import { crashPoint } from '../../../infra/runtime/crash-point.js';
import type { AppliedOutcome, ClaimedOrder, OrderStore, PendingOrder, SettledOrder } from '../../application/ports.js';
import { findOrders, orderAmong } from './order-rows.js';
import { applyOutcomes, type OutcomeEvent } from './outcomes.js';
import { placeOrders, type PlacedOrder, type Placing } from './placements.js';

/** Orders that come at once are placed in one transaction, and so are answers applied. */
const batching = { isOutage: isPostgresOutage, maxSize: 100, maxAgeMs: 5, maxInFlight: 2 };

/** With the usual 30 s, an order that is never answered is published again every 34 hours in the end. */
const mostDoublings = 12;

export interface OrderStoreTimes {
  /** How long a new order's workflow has before the reconciler takes a look. */
  readonly graceMs: number;
  /** How long after its event was published a pending order is overdue; the next time after twice that, and so on. */
  readonly overdueAfterMs: number;
}

/** Orders in Postgres. */
export function createOrderStore(pool: pg.Pool, { graceMs, overdueAfterMs }: OrderStoreTimes): OrderStore {
  const applyTogether = createBatcher<OutcomeEvent, AppliedOutcome>({
    ...batching,
    work: (events) => inTransaction(pool, (tx) => applyOutcomes(tx, events)),
  });
  const placeTogether = createBatcher<Placing, PlacedOrder | undefined>({
    ...batching,
    work: async (wanted) => {
      crashPoint('place.before');
      const placed = await placeOrders(pool, wanted, graceMs);
      crashPoint('place.after');
      return placed;
    },
  });
  return {
    place: async (order, traceparent) => {
      const placed = await placeTogether({ order, traceparent });
      // Nothing comes back for an order whose twin was committed while the statement waited for it.
      if (placed) return placed;
      const orders = await findOrders(pool, [order.orderId]);
      return { order: orderAmong(orders, order.orderId), created: false };
    },

    find: async (orderId) => (await findOrders(pool, [orderId])).get(orderId),
    applyOutcome: (outcome, event) => applyTogether({ outcome, ...event }),
    claimPending: (limit, recheckMs) => claimPending(pool, limit, recheckMs, overdueAfterMs),
    notePublishedAgain: (orderIds) => notePublishedAgain(pool, orderIds),
    assignWorkflow: async (orders, workflowId) => {
      crashPoint('assign.before');
      return assignWorkflow(pool, orders, workflowId);
    },
    findSettled: (orderIds) => findSettled(pool, orderIds),
    markProvenPublished: () => markProvenPublished(pool),
    oweSettled: (eventKey) => oweSignal(pool, eventKey),
    claimOwedSettled: async (limit, recheckMs) => {
      const owed = await claimOwedSignals(pool, limit, recheckMs);
      const orders = await findOrders(
        pool,
        owed.map(({ aggregateId }) => aggregateId),
      );
      return owed.map(({ eventKey, aggregateId }) => ({ eventKey, order: orderAmong(orders, aggregateId) }));
    },
    clearOwedSettled: (eventKey) => settleSignal(pool, eventKey),
  };
}

/** A lease, as with the outbox: no lock is held while workflows are started. */
async function claimPending(
  db: Queryable,
  limit: number,
  recheckMs: number,
  overdueAfterMs: number,
): Promise<ClaimedOrder[]> {
  const { rows } = await db.query<ClaimedOrder>(
    `with due as (
       select order_id from orders
       where status = 'pending' and check_at <= now()
       order by check_at
       limit $1
       for update skip locked
     ), claimed as (
       update orders
       set check_at = now() + $2 * interval '1 millisecond'
       where order_id in (select order_id from due)
       returning order_id, workflow_id, created_at, published_again
     )
     select order_id as "orderId", workflow_id as "workflowId",
       exists (
         select from outbox
         where aggregate_id = order_id
           and published_at <= now() - $3 * power(2, least(published_again, $4)) * interval '1 millisecond'
       ) as overdue
     from claimed
     order by created_at`,
    [limit, recheckMs, overdueAfterMs, mostDoublings],
  );
  return rows;
}

async function notePublishedAgain(db: Queryable, orderIds: readonly string[]): Promise<void> {
  await db.query(
    `update orders set published_again = published_again + 1 where order_id = any($1) and status = 'pending'`,
    [orderIds],
  );
}

/** A row that another transaction holds is being assigned or settled there. */
async function assignWorkflow(db: Queryable, orders: readonly PendingOrder[], workflowId: string): Promise<string[]> {
  const { rows } = await db.query<{ orderId: string }>({
    name: 'assign-workflow',
    text: `with free as (
             select order_id
             from orders join unnest($1::text[], $2::text[]) as wanted (id, known_workflow_id) on order_id = wanted.id
             where status = 'pending' and (workflow_id is not distinct from known_workflow_id or workflow_id = $3)
             for update of orders skip locked
           )
           update orders set workflow_id = $3
           where order_id in (select order_id from free)
           returning order_id as "orderId"`,
    values: [orders.map(({ orderId }) => orderId), orders.map((order) => order.workflowId), workflowId],
  });
  return rows.map(({ orderId }) => orderId);
}

async function findSettled(db: Queryable, orderIds: readonly string[]): Promise<SettledOrder[]> {
  const { rows } = await db.query<SettledOrder>(
    `select order_id as "orderId", status, version from orders where order_id = any($1) and status <> 'pending'`,
    [orderIds],
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
