import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { queryByIndex } from '../postgres/query-by-index.js';
import { withDeadline } from '../runtime/deadline.js';

const readTimeoutMs = 1000;

/** Creates a registry with the metrics of this process: memory, CPU, event loop. Every metric has a `service` label. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** The values that a scrape reads, each with the values of its labels. */
export type Reading = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/**
 * Registers a gauge that is read at each scrape. If it cannot be read within a second, that scrape lacks this gauge but
 * no others: a missing metric raises an alarm of its own, while a scrape that hangs raises none.
 */
export function addReadGauge(
  registry: Registry,
  { name, help, labelNames = [] }: { name: string; help: string; labelNames?: readonly string[] },
  read: () => Promise<Reading>,
): void {
  const gauge: Gauge = new Gauge({
    ...{ name, help, labelNames: [...labelNames], registers: [registry] },
    collect: async () => {
      gauge.reset();
      // A gauge without labels is 0 after a reset; it must be absent until its value is known.
      if (labelNames.length === 0) gauge.remove();
      const reading = await withDeadline(`reading ${name}`, readTimeoutMs, read()).catch(() => []);
      for (const [labels, value] of reading) gauge.set({ ...labels }, value);
    },
  });
}

/** How long a result is reused: scrapes by several servers, or in quick succession, cost Postgres one statement. */
const maxAgeMs = 10_000;

/**
 * Like `addReadGauge`, for one number that a statement returns as `value`. Null counts as 0. It is at most 10 s old.
 */
export function addSqlGauge(
  registry: Registry,
  pool: pg.Pool,
  description: { readonly name: string; readonly help: string },
  statement: string,
): void {
  const read = cachedQuery<{ value: string | null }>(pool, statement);
  addReadGauge(registry, description, async () => [[{}, Number((await read())?.value ?? 0)]]);
}

/**
 * Returns a function that resolves to the first row of a statement's result. It runs the statement at most once per
 * 10 s: calls within that time, and calls while the statement runs, share its result. It does not cache a failure.
 */
export function cachedQuery<Row extends pg.QueryResultRow>(
  pool: Pick<pg.Pool, 'query'>,
  statement: string,
  now: () => number = () => performance.now(),
): () => Promise<Row | undefined> {
  let last: { readonly row: Promise<Row | undefined>; readonly at: number } | undefined;
  return () => {
    if (last && now() - last.at < maxAgeMs) return last.row;
    // Each gauge has an index that covers no more than its backlog.
    const row = queryByIndex<Row>(pool, statement).then(({ rows }) => rows[0]);
    const latest = { row, at: now() };
    last = latest;
    row.catch(() => {
      if (last === latest) last = undefined;
    });
    return row;
  };
}
