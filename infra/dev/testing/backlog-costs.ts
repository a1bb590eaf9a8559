import assert from 'node:assert/strict';
import type pg from 'pg';
import { createPlanRecorder, plannings, type Planning, type StatementPlan } from './statement-plans.js';

/** A call of the code under test, which has reason to look at so many rows of a table. */
export interface Step<Context> {
  readonly name: string;
  /** On the way of an order, or repeated by a loop, which may take what is due by the index that is there for that. */
  readonly kind: 'hot' | 'periodic';
  readonly rows: number;
  run(context: Context): Promise<unknown>;
}

/** What the statements of each step did, by the step's name and how they were planned. */
export type Costs = ReadonlyMap<string, Readonly<Record<Planning, readonly StatementPlan[]>>>;

/** Runs the steps one after the other in one context, and all of them again for the other way of planning. */
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

/** Leaves a table as if it had never been analyzed, which is so in a new database, whatever is in it. */
export function forgetStatistics(table: string): string[] {
  return [
    `delete from pg_statistic where starelid = '${table}'::regclass`,
    `update pg_class set reltuples = -1, relpages = 0 where oid = '${table}'::regclass`,
  ];
}

/** An order is read by several statements, by checks of foreign keys, and in versions that are dead and not yet removed. */
const maxRowsRead = 8;
/** Of 8 KiB each: for the row, and from the root to the leaf of each index that gets an entry. */
const maxPages = 60;
/** An index may have become a level deeper; what is read for each page of a backlog is far above. */
const maxGrowth = 2;

/**
 * What a step costs is bounded by the rows it works on, and a hundred times the backlog does not double it.
 * @throws AssertionError that names the statements
 */
export function assertCostIsOfItsOwnRows<Context>(step: Step<Context>, few: Costs, many: Costs): void {
  for (const planning of plannings) {
    const plans = many.get(step.name)?.[planning] ?? [];
    const before = few.get(step.name)?.[planning] ?? [];
    assert.ok(before.length > 0 && plans.length > 0, `${step.name} has run no statement: there is nothing to hold`);
    const print = `${step.name}, ${planning} plans: ${JSON.stringify(plans, undefined, 1)}`;
    const read = total(plans, 'rowsRead');
    const pages = total(plans, 'pages');
    assert.ok(read <= step.rows * maxRowsRead, `${read} rows were read for ${step.rows}: ${print}`);
    assert.ok(pages <= step.rows * maxPages, `${pages} pages were touched for ${step.rows} rows: ${print}`);
    const pagesBefore = total(before, 'pages');
    const limit = pagesBefore * maxGrowth + step.rows;
    assert.ok(pages <= limit, `${pages} pages were touched, ${pagesBefore} with a small backlog: ${print}`);
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
