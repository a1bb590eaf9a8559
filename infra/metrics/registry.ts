import type pg from 'pg';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
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

/** As `addReadGauge`, of one number that a statement answers with as `value`; null counts as 0. */
export function addSqlGauge(
  registry: Registry,
  pool: pg.Pool,
  about: { readonly name: string; readonly help: string },
  statement: string,
): void {
  addReadGauge(registry, about, async () => {
    const { rows } = await pool.query<{ value: string | null }>(statement);
    return [[{}, Number(rows[0]?.value ?? 0)]];
  });
}
