import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { deleteReceived } from '../../../infra/messaging/inbox.js';
import { claimUnpublished, deletePublished, findToPublish, markPublished } from '../../../infra/messaging/outbox.js';
import {
  assertCostIsOfItsOwnRows,
  forgetStatistics,
  recordCosts,
  type Costs,
  type Step,
} from '../../../infra/dev/testing/backlog-costs.js';
import { insertDecidedOrders } from '../../../infra/dev/testing/backlog-rows.js';
import { traceparent } from '../../../infra/dev/testing/order-fixtures.js';
import { createTestDatabase, runPatiently, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import { orderProcessed } from '../../../workflows/order-events.js';
import { createProcessingStore } from './processing-store.js';

const publishedOutcomes = 20_000;
const smallBacklog = 500;
const largeBacklog = 50_000;
const graceMs = 60_000;
const batch = 50;
const claimed = 200;
const removed = 1000;

/** Orders in progress, and their unpublished messages that an earlier step has found. */
interface Context {
  readonly pool: pg.Pool;
  readonly store: ReturnType<typeof createProcessingStore>;
  readonly orderIds: readonly string[];
  messageIds: readonly string[];
}

function createContext(pool: pg.Pool): Context {
  const orderIds = Array.from({ length: batch }, () => randomUUID());
  return { pool, store: createProcessingStore(pool, graceMs), orderIds, messageIds: [] };
}

const keyOf = (orderId: string) => `order.created:${orderId}:1`;
const process = ({ store, orderIds }: Context) =>
  Promise.all(
    orderIds.map((orderId) => {
      const event = { eventKey: keyOf(orderId), messageId: 'm', traceparent, workflowId: undefined };
      return store.process({ orderId, version: 1, ...event }, () => ({ status: 'done' }));
    }),
  );
const find = async (context: Context, republishAfterMs?: number) => {
  const messages = await findToPublish(context.pool, context.orderIds, orderProcessed.type, republishAfterMs);
  context.messageIds = messages.map(({ id }) => id);
};
const hot = { kind: 'hot', rows: batch } as const;
const cleaning = { kind: 'periodic', rows: removed } as const;

/** The steps in lifecycle order. */
const steps: readonly Step<Context>[] = [
  { name: 'processing orders', ...hot, run: process },
  { name: 'processing orders again', ...hot, run: process },
  {
    name: 'looking for consumed events',
    ...hot,
    run: ({ store, orderIds }) => Promise.all(orderIds.map((orderId) => store.isKnown(keyOf(orderId)))),
  },
  { name: 'finding outcomes', ...hot, run: ({ store, orderIds }) => store.findProcessed(orderIds) },
  { name: 'finding outcomes to publish again', ...hot, run: (context) => find(context, 15_000) },
  { name: 'finding outcomes to publish', ...hot, run: (context) => find(context) },
  { name: 'marking outcomes as published', ...hot, run: ({ pool, messageIds }) => markPublished(pool, messageIds) },
  {
    name: 'claiming unpublished outcomes',
    ...{ kind: 'periodic', rows: claimed },
    run: async ({ pool }) => assert.equal((await claimUnpublished(pool, claimed, graceMs)).length, claimed),
  },
  {
    name: 'removing old outcomes',
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

describe(`with ${largeBacklog} unpublished outcomes in the processor,`, function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let few: Costs;
  /** The costs with the large backlog, by what the statistics say about it. */
  const many = new Map<string, Costs>();
  before(async () => {
    database = await createTestDatabase('processor');
    const { dsn } = database;
    const tables = ['processing_states', 'outbox', 'inbox'];
    await runPatiently(dsn, ...tables.map((table) => `alter table ${table} set (autovacuum_enabled = false)`));
    await runPatiently(dsn, insertDecidedOrders(publishedOutcomes, 'published'), 'analyze');
    await runPatiently(dsn, insertDecidedOrders(smallBacklog, 'unpublished'));
    few = await recordCosts(dsn, steps, createContext);
    await runPatiently(dsn, insertDecidedOrders(largeBacklog - smallBacklog, 'unpublished'));
    many.set('show no unpublished outcome', await recordCosts(dsn, steps, createContext));
    await runPatiently(dsn, 'analyze');
    many.set('are current', await recordCosts(dsn, steps, createContext));
    await runPatiently(dsn, ...tables.flatMap(forgetStatistics));
    many.set('are missing', await recordCosts(dsn, periodicSteps, createContext));
  });
  after(() => database.drop());

  const stepsByStatistics = {
    'show no unpublished outcome': steps,
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
