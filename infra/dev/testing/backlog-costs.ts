import assert from 'node:assert/strict';
import type pg from 'pg';
import { createPlanRecorder, plannings, type Planning, type StatementPlan } from './statement-plans.js';

/** A call of the code under test that needs to read this many rows of a table. */
export interface Step<Context> {
  readonly name: string;
  /** `hot` is on the path of an order. `periodic` is repeated by a loop, which may use the index of what is due. */
  readonly kind: 'hot' | 'periodic';
  readonly rows: number;
  run(context: Context): Promise<unknown>;
}

/** What the statements of each step did, by the name of the step and the way of planning. */
export type Costs = ReadonlyMap<string, Readonly<Record<Planning, readonly StatementPlan[]>>>;

/** Runs the steps one after the other in one context, once for each way of planning. */
export async function recordCosts<Context>(
  dsn: string,
  steps: readonly Step<Context>[],
  createContext: (pool: pg.Pool) => Context,
): Promise<Costs> {
  const costs = new Map(steps.map(({ name }) => [name, noPlans()]));
  for (const planning of plannings) {
    const recorder = createPlanRecorder(dsn, planning);
    try {
      const context = createContext(recorder.pool);
      for (const step of steps) {
        const plans = await recorder.record(() => step.run(context));
        costs.get(step.name)?.[planning].push(...plans);
      }
    } finally {
      await recorder.close();
    }
  }
  return costs;
}

function noPlans(): Record<Planning, StatementPlan[]> {
  return { custom: [], generic: [] };
}

/** Returns statements that make a table look as if it had never been analyzed, like a table in a new database. */
export function forgetStatistics(table: string): string[] {
  return [
    `delete from pg_statistic where starelid = '${table}'::regclass`,
    `update pg_class set reltuples = -1, relpages = 0 where oid = '${table}'::regclass`,
  ];
}

/** Several statements read an order, foreign key checks do, and its dead versions may not be removed yet. */
const maxRowsRead = 8;
/** Pages of 8 KiB: for the row, and from the root to the leaf of each index that gets an entry. */
const maxPages = 60;
/** An index may have become one level deeper. A statement that reads the whole backlog is far above this limit. */
const maxGrowth = 2;

/**
 * Asserts that the cost of a step is bounded by the rows it works on, and that a hundred times the backlog does not
 * double the cost.
 * @throws AssertionError that names the statements
 */
export function assertCostIsOfItsOwnRows<Context>(step: Step<Context>, few: Costs, many: Costs): void {
  for (const planning of plannings) {
    const plans = many.get(step.name)?.[planning] ?? [];
    const before = few.get(step.name)?.[planning] ?? [];
    assert.ok(before.length > 0 && plans.length > 0, `${step.name} ran no statement, so there is nothing to check`);
    const print = `${step.name}, ${planning} plans: ${JSON.stringify(plans, undefined, 1)}`;
    const read = total(plans, 'rowsRead');
    const pages = total(plans, 'pages');
    assert.ok(read <= step.rows * maxRowsRead, `${read} rows were read for ${step.rows} rows: ${print}`);
    assert.ok(pages <= step.rows * maxPages, `${pages} pages were read for ${step.rows} rows: ${print}`);
    const pagesBefore = total(before, 'pages');
    const limit = pagesBefore * maxGrowth + step.rows;
    assert.ok(pages <= limit, `${pages} pages were read, ${pagesBefore} with a small backlog: ${print}`);
    for (const { tablesScanned, indexes } of plans) {
      assert.deepEqual(tablesScanned, [], `a whole table was read: ${print}`);
      if (step.kind === 'hot')
        assert.doesNotMatch(indexes.join(), /_due/, `the index of the backlog was used: ${print}`);
    }
  }
}

function total(plans: readonly StatementPlan[], what: 'rowsRead' | 'pages'): number {
  return plans.reduce((sum, plan) => sum + plan[what], 0);
}
