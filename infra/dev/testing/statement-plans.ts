import type pg from 'pg';
import { createPool } from '../../postgres/pool.js';
import { testLogger } from './test-logger.js';

/** How Postgres plans a statement with parameters: for the given values, or once for all values. */
export type Planning = 'custom' | 'generic';
export const plannings: readonly Planning[] = ['custom', 'generic'];

/** What a statement did, as counted by Postgres itself. */
export interface StatementPlan {
  readonly text: string;
  /** Rows that its scans read, including those that a condition then removed. */
  readonly rowsRead: number;
  /** Pages of 8 KiB that it requested, whether or not they were in memory. */
  readonly pages: number;
  /** Tables that were scanned sequentially. */
  readonly tablesScanned: readonly string[];
  readonly indexes: readonly string[];
}

/** A pool for the code under test that records what its statements did. */
export interface PlanRecorder {
  readonly pool: pg.Pool;
  /** Runs `work` and returns the plans of what ran on the pool meanwhile: statements, and their foreign key checks. */
  record(work: () => Promise<unknown>): Promise<StatementPlan[]>;
  close(): Promise<void>;
}

/** With these settings Postgres explains each statement it ran in a notice, so none has to be copied or run twice. */
const explainEverything = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_format': 'json',
  'auto_explain.log_level': 'notice',
};

/** Records plans in the database at `dsn`. Its user must be a superuser, since others may not load auto_explain. */
export function createPlanRecorder(dsn: string, planning: Planning): PlanRecorder {
  const settings = { ...explainEverything, plan_cache_mode: `force_${planning}_plan` };
  const url = new URL(dsn);
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set('options', options.join(' '));
  const pool = createPool(url.href, 'plans', testLogger);
  let plans: StatementPlan[] = [];
  pool.on('connect', (client) =>
    client.on('notice', ({ message }) => {
      const json = /^duration: .*? plan:\n(.*)$/s.exec(message ?? '')?.[1];
      if (json !== undefined) plans.push(toStatementPlan(JSON.parse(json) as Explained));
    }),
  );
  return {
    pool,
    record: async (work) => {
      plans = [];
      await work();
      return plans;
    },
    close: () => pool.end(),
  };
}

interface Explained {
  readonly 'Query Text': string;
  readonly Plan: PlanNode;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}

function toStatementPlan({ 'Query Text': text, Plan: top }: Explained): StatementPlan {
  const scans = nodesOf(top).filter((node) => /(Seq|Index|Index Only|Tid|Bitmap Index) Scan/.test(node['Node Type']));
  return {
    text: text.replaceAll(/\s+/g, ' '),
    rowsRead: scans.reduce((sum, scan) => sum + rowsReadBy(scan), 0),
    pages: (top['Shared Hit Blocks'] ?? 0) + (top['Shared Read Blocks'] ?? 0),
    tablesScanned: scans.filter((scan) => scan['Node Type'] === 'Seq Scan').map((scan) => scan['Relation Name'] ?? ''),
    indexes: scans.flatMap((scan) => scan['Index Name'] ?? []),
  };
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

function rowsReadBy(scan: PlanNode): number {
  const removed = (scan['Rows Removed by Filter'] ?? 0) + (scan['Rows Removed by Index Recheck'] ?? 0);
  return (scan['Actual Rows'] + removed) * scan['Actual Loops'];
}
