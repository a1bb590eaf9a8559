import type { TestDatabase } from '../testing/test-database.js';
import { cpuMsOf, serverPids } from './process-usage.js';
import type { Bench } from './scenario.js';
import type { BenchSystem } from './system.js';

/** What was used, by the name of the counter. */
export type Counters = Readonly<Record<string, number>>;

/** Reads every counter of a system. The difference between two readings is what the run in between used. */
export async function readCounters({ servers }: Bench, system: BenchSystem): Promise<Counters> {
  const pids = {
    ...serverPids(servers.serverDirectory.run),
    'order-api': system.pidOf('order-api'),
    processor: system.pidOf('processor'),
  };
  const cpu = Object.entries(pids).map(([name, pid]) => [`CPU-ms of ${name}`, cpuMsOf(pid)] as const);
  const databases = await Promise.all([system.ordersDb, system.processorDb].map(readDatabase));
  const sum = (key: keyof (typeof databases)[number]): number => databases.reduce((all, each) => all + each[key], 0);
  return {
    'SQL round trips': sum('statements'),
    'writing transactions': sum('transactions'),
    'WAL bytes': sum('walBytes'),
    ...Object.fromEntries(cpu),
    'CPU-ms of the load generator': (process.cpuUsage().user + process.cpuUsage().system) / 1000,
  };
}

/**
 * Every statement is its own round trip, since nothing is pipelined; the benchmark's statements do not count. Writing
 * transactions are counted by their ids, which is exact at once: pg_stat_database learns of a session's commits up to
 * 10 s late.
 */
async function readDatabase({ pool }: TestDatabase) {
  await pool.query('create extension if not exists pg_stat_statements');
  const { rows } = await pool.query<{ statements: string; transactions: string; wal: string }>(
    `select /* bench */
       (select sum(calls) from pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database())
          and query not like '%/* bench */%' and query not like '%/* operations */%'
          and query not like '%pg_stat_statements%') as statements,
       pg_snapshot_xmax(pg_current_snapshot()) as transactions,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as wal`,
  );
  const [row] = rows;
  return { statements: Number(row?.statements), transactions: Number(row?.transactions), walBytes: Number(row?.wal) };
}

/** Sums what the workflows that started since then have cost Temporal. All of them must have closed. */
export async function readWorkflows({ temporal }: BenchSystem, since: Date): Promise<Counters> {
  const sums = { workflows: 0, 'state transitions': 0, 'history events': 0, 'history bytes': 0 };
  const query = `WorkflowType = "orderLifecycle" AND StartTime >= "${since.toISOString()}"`;
  for await (const { raw } of temporal.client.workflow.list({ query, pageSize: 1000 })) {
    sums.workflows += 1;
    sums['state transitions'] += Number(raw.stateTransitionCount);
    sums['history events'] += Number(raw.historyLength);
    sums['history bytes'] += Number(raw.historySizeBytes);
  }
  return sums;
}

/** Returns the difference between two readings, divided by the number of orders. */
export function perOrder(before: Counters, after: Counters, orders: number): Counters {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, (value - (before[name] ?? 0)) / orders]),
  );
}
