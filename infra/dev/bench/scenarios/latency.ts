import { closedLoop, latenciesOf, openLoop, type Load } from '../load.js';
import { startReference } from '../reference-process.js';
import type { Bench, Chart, Scenario } from '../scenario.js';
import { watchSettlements } from '../settlements.js';
import { median, percentile, spread } from '../statistics.js';
import type { BenchSystem } from '../system.js';
import { createTestDatabase } from '../../testing/test-database.js';
import { createTestVhost } from '../../testing/test-vhost.js';
import { measurePairs, ratiosOf } from './pairs.js';

const warmUpOrders = 20;
const ordersEachPair = 30;
/** One full polling interval, so that the reference's orders meet each of its phases equally often. */
const spreadMs = 5000;

/** `single-order`: one order at a time, against the classic design that polls both outboxes every 5 seconds. */
export const singleOrder: Scenario = async (bench) => {
  const [ordersDb, processorDb, vhost] = await Promise.all([
    createTestDatabase('order-api'),
    createTestDatabase('processor'),
    createTestVhost(),
  ]);
  const classic = await startReference('polling-design', {
    ORDERS_DB_DSN: ordersDb.dsn,
    PROCESSOR_DB_DSN: processorDb.dsn,
    APP__RABBITMQ_URL: vhost.url,
    REFERENCE_RUNS: String(bench.plan.pairs),
  });
  const all = { polling: [] as number[], subject: [] as number[] };
  const keep = (latencies: readonly number[], into: number[]): number => {
    into.push(...latencies);
    return median(latencies);
  };
  try {
    const system = await bench.system('default');
    await oneAtATime(system, warmUpOrders);
    const measured = await measurePairs(
      bench,
      'single order',
      async () => keep(await classic.run<number[]>(spreadMs), all.polling),
      async () => keep(await oneAtATime(system, ordersEachPair), all.subject),
    );
    await system.verify();
    const [p99, pollingP99] = [percentile(all.subject, 99), percentile(all.polling, 99)];
    const title = 'p50 from POST to settled, one order at a time: how many times faster than polling every 5 s';
    const notes = [`p99: subject ${p99.toFixed(1)} ms, reference ${pollingP99.toFixed(0)} ms`];
    const fasterBy = ratiosOf({ subject: measured.reference, reference: measured.subject });
    return [{ slug: 'single-order', title, unit: 'ms', ...measured, ...fasterBy, target: { atLeast: 50 }, notes }];
  } finally {
    await classic.stop();
    await Promise.all([ordersDb.drop(), processorDb.drop(), vhost.drop()]);
  }
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

/** `half-load`: the tail latency at half of the capacity. */
export const halfLoad: Scenario = async (bench) => {
  const perSecond = (await capacityOf(bench)) / 2;
  const system = await bench.system('default');
  const { pairs, steadyMs } = bench.plan;
  const loads: Load[] = [];
  for (let run = 1; run <= pairs; run += 1) {
    const load = await openLoop(system, perSecond, steadyMs / pairs);
    await system.verify();
    loads.push(load);
    const [p50, p99] = [50, 99].map((share) => percentile(latenciesOf(load), share).toFixed(1));
    bench.print(`half load: run ${run} of ${pairs}: p50 ${p50} ms, p99 ${p99} ms`);
  }
  const of = (share: number): number[] => loads.map((load) => percentile(latenciesOf(load), share));
  const measured = { subject: of(99), reference: of(50) };
  const title = 'p99 from POST to settled at half of capacity, relative to p50 of the same runs';
  const notes = [`${perSecond.toFixed(0)} orders/s, constant arrivals, ${pairs} runs of ${steadyMs / pairs / 1000} s`];
  const charts = loads.slice(0, 1).map((load) => chartOf(load, perSecond));
  return [
    { slug: 'half-load', title, unit: 'ms', ...measured, ...ratiosOf(measured), target: { atMost: 4 }, notes, charts },
  ];
};

function chartOf({ orders }: Load, perSecond: number): Chart {
  const begin = spread(orders.map(({ startedAt }) => startedAt)).min;
  const points = orders
    .map(({ startedAt, settledAt }) => ({ x: (startedAt - begin) / 1000, y: settledAt - startedAt }))
    .sort((a, b) => a.x - b.x);
  return {
    file: 'latency-at-half-load.svg',
    title: `From POST to settled at ${perSecond.toFixed(0)} orders/s`,
    xLabel: 'seconds',
    yLabel: 'ms',
    series: [{ name: 'each order', points }],
  };
}

/** Orders settled per second in default mode, as `settling` measured it; measured now if `settling` was left out. */
export async function capacityOf(bench: Bench): Promise<number> {
  if (bench.capacity === undefined) {
    const system = await bench.system('default');
    const { settledPerSecond } = await closedLoop(system, bench.plan.clients, bench.plan.windowMs);
    await system.verify();
    bench.capacity = settledPerSecond;
  }
  return bench.capacity;
}
