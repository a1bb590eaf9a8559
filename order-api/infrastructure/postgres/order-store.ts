import type pg from 'pg';
import { isPostgresOutage } from '../../../infra/postgres/outage.js';
import { inTransaction, type Queryable } from '../../../infra/postgres/pool.js';
import { queryByIndex } from '../../../infra/postgres/query-by-index.js';
import { createBatcher } from '../../../infra/runtime/batcher.js';
import { failpoint } from '../../../infra/runtime/failpoint.js';
import type { AppliedOutcome, OrderStore, PendingOrder, SettledOrder } from '../../application/ports.js';
import { findOrders, requireOrder } from './order-rows.js';
import { applyOutcomes, type OutcomeEvent } from './outcomes.js';
import { placeOrders, type PlacedOrder, type PlaceOrder } from './placements.js';

/** Orders that arrive at the same time are placed in one transaction; outcomes are applied the same way. */
const batching = { isOutage: isPostgresOutage, maxBatchSize: 100, maxAgeMs: 5, maxInFlight: 2 };

/** Stores orders in Postgres. @param graceMs how long after its placement the reconciler first checks an order */
export function createOrderStore(pool: pg.Pool, graceMs: number): OrderStore {
  const applyInBatch = createBatcher<OutcomeEvent, AppliedOutcome>({
    ...batching,
    run: (events) => inTransaction(pool, (tx) => applyOutcomes(tx, events)),
  });
  const placeInBatch = createBatcher<PlaceOrder, PlacedOrder | undefined>({
    ...batching,
    run: async (wanted) => {
      failpoint('place.before');
      const placed = await placeOrders(pool, wanted, graceMs);
      failpoint('place.after');
      return placed;
    },
  });
  return {
    place: async (order, traceparent) => {
      const placed = await placeInBatch({ order, traceparent });
      // The statement does not return an order whose duplicate was committed while the statement waited for it.
      if (placed) return placed;
      const orders = await findOrders(pool, [order.orderId]);
      return { order: requireOrder(orders, order.orderId), created: false };
    },

    find: async (orderId) => (await findOrders(pool, [orderId])).get(orderId),
    applyOutcome: (outcome, event) => applyInBatch({ outcome, ...event }),
    claimPending: (limit, leaseMs) => claimPending(pool, limit, leaseMs),
    deferCheck: (orderIds, minDelayMs) => deferCheck(pool, orderIds, minDelayMs),
    assignWorkflow: async (orders, workflowId) => {
      failpoint('assign.before');
      return assignWorkflow(pool, orders, workflowId);
    },
    findSettled: (orderIds) => findSettled(pool, orderIds),
  };
}

/**
 * Marks those of these outbox rows as published whose orders are settled: the outcome proves that the event arrived.
 * The rows of pending orders are left to their workflows.
 * @throws the database's error while Postgres is unavailable
 */
export async function markPublishedIfSettled(db: Queryable, messageIds: readonly string[]): Promise<void> {
  await db.query(
    `update outbox
     set published_at = now()
     from orders
     where outbox.id = any($1) and outbox.published_at is null
       and orders.order_id = outbox.aggregate_id and orders.status <> 'pending'`,
    [messageIds],
  );
}

/** The claim is a lease, as with the outbox: no lock is held while workflows are checked and started. */
async function claimPending(db: Queryable, limit: number, leaseMs: number): Promise<PendingOrder[]> {
  const { rows } = await queryByIndex<PendingOrder>(
    db,
    `with claimed as (
       update orders
       set check_at = now() + interval '1 millisecond' * ${leaseMs}
       where order_id in (
         select order_id from orders
         where status = 'pending' and version = 1 and check_at <= now()
         order by check_at
         limit ${limit}
         for update skip locked
       )
       returning order_id, workflow_id, created_at
     )
     select order_id as "orderId", workflow_id as "workflowId" from claimed order by created_at`,
  );
  return rows;
}

async function deferCheck(db: Queryable, orderIds: readonly string[], minDelayMs: number): Promise<void> {
  await db.query(
    `update orders
     set check_at = now() + least(greatest(now() - created_at, $2 * interval '1 millisecond'), interval '1 hour')
     where order_id = any($1) and status = 'pending'`,
    [orderIds, minDelayMs],
  );
}

/** Skips a row that another transaction has locked: that transaction is assigning or settling it. */
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
