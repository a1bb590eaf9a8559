import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { deleteReceived } from '../../../infra/messaging/inbox.js';
import {
  claimUnpublished,
  deletePublished,
  findToPublish,
  markPublished,
  recordFailedAttempts,
} from '../../../infra/messaging/outbox.js';
import { inTransaction } from '../../../infra/postgres/pool.js';
import {
  assertCostIsOfItsOwnRows,
  forgetStatistics,
  recordCosts,
  type Costs,
  type Step,
} from '../../../infra/dev/testing/backlog-costs.js';
import { insertPendingOrders, insertSettledOrders } from '../../../infra/dev/testing/backlog-rows.js';
import { anOrder, done, traceparent } from '../../../infra/dev/testing/order-fixtures.js';
import { createTestDatabase, runPatiently, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import { orderCreated } from '../../../workflows/order-events.js';
import { findOrders } from './order-rows.js';
import { createOrderStore, markPublishedIfSettled } from './order-store.js';
import { applyOutcomes } from './outcomes.js';
import { placeOrders } from './placements.js';

const settledOrders = 20_000;
const smallBacklog = 500;
const largeBacklog = 50_000;
const graceMs = 60_000;
const batch = 50;
const claimed = 200;
const removed = 1000;

/** Orders in progress, and what earlier steps have found about them. */
interface Context {
  readonly pool: pg.Pool;
  readonly store: ReturnType<typeof createOrderStore>;
  readonly orderIds: readonly string[];
  messageIds: readonly string[];
  claimedOrders: readonly string[];
  claimedMessages: readonly string[];
}

function createContext(pool: pg.Pool): Context {
  const orderIds = Array.from({ length: batch }, () => randomUUID());
  const store = createOrderStore(pool, graceMs);
  return { pool, store, orderIds, messageIds: [], claimedOrders: [], claimedMessages: [] };
}

const place = ({ pool, orderIds }: Context) =>
  placeOrders(
    pool,
    orderIds.map((orderId) => ({ order: anOrder(orderId), traceparent })),
    graceMs,
  );
const apply = ({ pool, orderIds }: Context) => {
  const events = orderIds.map((orderId) => ({ outcome: done(orderId), eventKey: `key:${orderId}`, messageId: 'm' }));
  return inTransaction(pool, (tx) => applyOutcomes(tx, events));
};
const find = async (context: Context, republishAfterMs?: number) => {
  const messages = await findToPublish(context.pool, context.orderIds, orderCreated.type, republishAfterMs);
  context.messageIds = messages.map(({ id }) => id);
};
const noWorkflow = (orderId: string) => ({ orderId, workflowId: null });
const hot = { kind: 'hot', rows: batch } as const;
const claim = { kind: 'periodic', rows: claimed } as const;
const cleaning = { kind: 'periodic', rows: removed } as const;

/** The steps in lifecycle order; half of the events are published before the outcomes arrive. */
const steps: readonly Step<Context>[] = [
  { name: 'placing orders', ...hot, run: place },
  { name: 'placing existing orders', ...hot, run: place },
  { name: 'finding orders', ...hot, run: ({ pool, orderIds }) => findOrders(pool, orderIds) },
  { name: 'finding events to publish again', ...hot, run: (context) => find(context, 15_000) },
  { name: 'finding events to publish', ...hot, run: (context) => find(context) },
  {
    name: 'assigning orders to a workflow',
    ...hot,
    run: ({ store, orderIds }) => store.assignWorkflow(orderIds.map(noWorkflow), 'orders-1'),
  },
  {
    name: 'recording failed attempts',
    ...hot,
    run: ({ pool, messageIds }) =>
      recordFailedAttempts(
        pool,
        messageIds.map((id) => ({ id, error: 'no route' })),
      ),
  },
  {
    name: 'marking events as published',
    ...hot,
    run: ({ pool, messageIds }) => markPublished(pool, messageIds.slice(0, batch / 2)),
  },
  { name: 'applying outcomes', ...hot, run: apply },
  { name: 'applying outcomes again', ...hot, run: apply },
  { name: 'finding settled orders', ...hot, run: ({ store, orderIds }) => store.findSettled(orderIds) },
  {
    name: 'claiming pending orders',
    ...claim,
    run: async (context) => {
      const orders = await context.store.claimPending(claimed, graceMs);
      assert.equal(orders.length, claimed);
      context.claimedOrders = orders.map(({ orderId }) => orderId);
    },
  },
  {
    name: 'deferring the next check of orders',
    ...claim,
    run: ({ store, claimedOrders }) => store.deferCheck(claimedOrders, graceMs),
  },
  {
    name: 'claiming unpublished events',
    ...claim,
    run: async (context) => {
      const messages = await claimUnpublished(context.pool, claimed, graceMs);
      assert.equal(messages.length, claimed);
      context.claimedMessages = messages.map(({ id }) => id);
    },
  },
  {
    name: 'marking events of settled orders',
    ...claim,
    run: ({ pool, claimedMessages }) => markPublishedIfSettled(pool, claimedMessages),
  },
  {
    name: 'removing old events',
    ...cleaning,
    run: async ({ pool }) => assert.equal(await deletePublished(pool, 7, removed), removed),
  },
  {
    name: 'removing old inbox entries',
    ...cleaning,
    run: async ({ pool }) => assert.equal(await deleteReceived(pool, 30, removed), removed),
  },
];

/**
 * Before the first ANALYZE, the planner assumes that each aggregate has one row in 200, and reads the whole outbox for
 * a batch of them. Autovacuum corrects that within about a minute; loops that find a backlog must not depend on it.
 */
const periodicSteps = steps.filter(({ kind }) => kind === 'periodic');

describe(`with ${largeBacklog} pending orders in the order API,`, function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let few: Costs;
  /** The costs with the large backlog, by what the statistics say about it. */
  const many = new Map<string, Costs>();
  before(async () => {
    database = await createTestDatabase('order-api');
    const { dsn } = database;
    const tables = ['orders', 'order_events', 'outbox', 'inbox'];
    await runPatiently(dsn, ...tables.map((table) => `alter table ${table} set (autovacuum_enabled = false)`));
    await runPatiently(dsn, insertSettledOrders(settledOrders), 'analyze', insertPendingOrders(smallBacklog));
    few = await recordCosts(dsn, steps, createContext);
    await runPatiently(dsn, insertPendingOrders(largeBacklog - smallBacklog));
    many.set('show no pending order', await recordCosts(dsn, steps, createContext));
    await runPatiently(dsn, 'analyze');
    many.set('are current', await recordCosts(dsn, steps, createContext));
    await runPatiently(dsn, ...tables.flatMap(forgetStatistics));
    many.set('are missing', await recordCosts(dsn, periodicSteps, createContext));
  });
  after(() => database.drop());

  const stepsByStatistics = {
    'show no pending order': steps,
    'are current': steps,
    'are missing': periodicSteps,
  };
  for (const [statistics, stepsToCheck] of Object.entries(stepsByStatistics)) {
    for (const step of stepsToCheck) {
      it(`${step.name} reads only its own rows when the statistics ${statistics}`, () => {
        const costs = many.get(statistics);
        assert.ok(costs);
        assertCostIsOfItsOwnRows(step, few, costs);
      });
    }
  }
});
