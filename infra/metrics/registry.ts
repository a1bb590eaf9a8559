import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { queryByIndex } from '../postgres/query-by-index.js';
import { withDeadline } from '../runtime/deadline.js';

const askLimitMs = 1000;

/** A registry of this process's own metrics: memory, CPU, event loop. Every metric says which service it is of. */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** A value, by its labels' values, as it is read at a scrape. */
export type Reading = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/**
 * Registers a gauge that is read when it is asked for. What cannot be read within a second is missing from that scrape,
 * and so are no others: a metric that is missing is an alarm of its own, a scrape that hangs is none.
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
      // A gauge without labels is 0 after a reset; it has to be absent until it is known.
      if (labelNames.length === 0) gauge.remove();
      const reading = await withDeadline(`reading ${name}`, askLimitMs, read()).catch(() => []);
      for (const [labels, value] of reading) gauge.set({ ...labels }, value);
    },
  });
}

/** How long what a statement answered is shown: scrapes of several servers, or in a row, cost Postgres one statement. */
const maxAgeMs = 10_000;

/** As `addReadGauge`, of one number that a statement answers with as `value`; null counts as 0. At most 10 s old. */
export function addSqlGauge(
  registry: Registry,
  pool: pg.Pool,
  about: { readonly name: string; readonly help: string },
  statement: string,
): void {
  const read = cachedQuery<{ value: string | null }>(pool, statement);
  addReadGauge(registry, about, async () => [[{}, Number((await read())?.value ?? 0)]]);
}

/**
 * The first row of what a statement answers, asked for at most once in 10 s; those who ask meanwhile share it, and those
 * who ask while it runs wait for the same answer. A failure is not kept.
 */
export function cachedQuery<Row extends pg.QueryResultRow>(
  pool: Pick<pg.Pool, 'query'>,
  statement: string,
  now: () => number = () => performance.now(),
): () => Promise<Row | undefined> {
  let last: { readonly answer: Promise<Row | undefined>; readonly at: number } | undefined;
  return () => {
    if (last && now() - last.at < maxAgeMs) return last.answer;
    // What a gauge counts has an index that ends with its backlog.
    const answer = queryByIndex<Row>(pool, statement).then(({ rows }) => rows[0]);
    const asked = { answer, at: now() };
    last = asked;
    answer.catch(() => {
      if (last === asked) last = undefined;
    });
    return answer;
  };
}
