import { latenciesOf, openLoop } from '../load.js';
import { startReference } from '../reference-process.js';
import type { Bench, Chart, Row } from '../row.js';
import { watchSettlements } from '../settlements.js';
import { median, percentile } from '../statistics.js';
import type { BenchSystem } from '../system.js';
import { createTestDatabase } from '../../testing/test-database.js';
import { createTestVhost } from '../../testing/test-vhost.js';

const singleOrders = 100;
/** Longer than one round of the reference's polling, so that its orders meet every phase of it. */
const spreadMs = 10_000;

/** Row 4: one order at a time, against the classic design that polls both outboxes every 5 seconds. */
export const singleOrder: Row = async (bench) => {
  const [ordersDb, processorDb, vhost] = await Promise.all([
    createTestDatabase('order-api'),
    createTestDatabase('processor'),
    createTestVhost(),
  ]);
  const addresses = { ORDERS_DB_DSN: ordersDb.dsn, PROCESSOR_DB_DSN: processorDb.dsn, APP__RABBITMQ_URL: vhost.url };
  const classic = await startReference('polling-design', addresses);
  const [reference, ours]: [number[], number[]] = [[], []];
  try {
    const system = await bench.system('default');
    await oneAtATime(system, 20);
    for (let pair = 1; pair <= 2; pair += 1) {
      reference.push(...(await classic.run<number[]>(spreadMs)));
      ours.push(...(await oneAtATime(system, singleOrders / 2)));
      bench.report(
        `single order: p50 so far, polling ${median(reference).toFixed(0)} ms, ours ${median(ours).toFixed(1)} ms`,
      );
    }
    await system.verify();
  } finally {
    await classic.stop();
    await Promise.all([ordersDb.drop(), processorDb.drop(), vhost.drop()]);
  }
  const ratio = median(reference) / median(ours);
  const title = 'p50 from POST to settled, one order at a time: how many times faster than polling every 5 s';
  const notes = [
    `ours: p99 ${percentile(ours, 99).toFixed(1)} ms; polling: p99 ${percentile(reference, 99).toFixed(0)} ms`,
  ];
  return [{ number: 4, title, unit: 'ms', ours, reference, ratio, target: { atLeast: 50 }, notes }];
};

async function oneAtATime(system: BenchSystem, count: number): Promise<number[]> {
  const settlements = watchSettlements(system.ordersDb.pool, 2);
  const latencies: number[] = [];
  for (let order = 0; order < count; order += 1) {
    const startedAt = performance.now();
    latencies.push((await settlements.of(await system.place())) - startedAt);
  }
  await settlements.stop();
  return latencies;
}

/** Row 5: the tail under half of what the system can do. */
export const halfLoad: Row = async (bench) => {
  const perSecond = capacityOf(bench) / 2;
  const system = await bench.system('default');
  const load = await openLoop(system, perSecond, bench.plan.steadyMs);
  await system.verify();
  const latencies = latenciesOf(load);
  const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
  const begin = Math.min(...load.orders.map(({ startedAt }) => startedAt));
  const points = load.orders
    .map(({ startedAt, settledAt }) => ({ x: (startedAt - begin) / 1000, y: settledAt - startedAt }))
    .sort((a, b) => a.x - b.x);
  const chart: Chart = {
    file: 'latency-at-half-load.svg',
    title: `From POST to settled at ${perSecond.toFixed(0)} orders/s`,
    xLabel: 'seconds',
    yLabel: 'ms',
    series: [{ name: 'each order', points }],
  };
  const title = 'p99 from POST to settled at half of capacity, to p50 of the same';
  const notes = [`${perSecond.toFixed(0)} orders/s for ${bench.plan.steadyMs / 1000} s, constant arrivals`];
  const measured = { ours: [p99], reference: [p50] };
  const target = { atMost: 4 };
  return [{ number: 5, title, unit: 'ms', ...measured, ratio: p99 / p50, target, notes, charts: [chart] }];
};

/** @throws Error when row 3, which measures it, has not run */
export function capacityOf({ capacity }: Bench): number {
  if (capacity === undefined)
    throw new Error('this row needs the capacity that row 3 measures: run it too (--only 3,…)');
  return capacity;
}
