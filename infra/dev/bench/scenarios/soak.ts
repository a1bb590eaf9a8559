import { setTimeout as sleep } from 'node:timers/promises';
import { openLoop, type PlacedOrder } from '../load.js';
import { memoryOf } from '../process-usage.js';
import type { Chart, Scenario } from '../scenario.js';
import { groupsOverTime, median, percentile, rateOverTime, spread } from '../statistics.js';
import type { BenchSystem } from '../system.js';
import { capacityOf } from './latency.js';

const share = 0.7;
const sampleMs = 5000;
const mebibyte = 2 ** 20;

interface Sample {
  readonly at: number;
  readonly orders: number;
  readonly tableBytes: number;
  readonly memory: number;
}

/** `soak`: a long time at 70 % of capacity, during which latency, memory and table sizes per order must not grow. */
export const soak: Scenario = async (bench) => {
  const system = await bench.system('default');
  const perSecond = (await capacityOf(bench)) * share;
  const { soakMs } = bench.plan;
  const sampling = new AbortController();
  const samples = sampleUntil(system, sampling.signal);
  const { orders } = await openLoop(system, perSecond, soakMs);
  sampling.abort();
  await system.verify();
  const begin = spread(orders.map(({ startedAt }) => startedAt)).min;
  const quarter = soakMs / 4;
  const p99 = (part: readonly PlacedOrder[]): number =>
    percentile(
      part.map(({ startedAt, settledAt }) => settledAt - startedAt),
      99,
    );
  const first = p99(orders.filter(({ startedAt }) => startedAt < begin + quarter));
  const last = p99(orders.filter(({ startedAt }) => startedAt >= begin + soakMs - quarter));
  const taken = await samples;
  const growth = (value: (sample: Sample) => number): number => {
    const second = taken.slice(Math.floor(taken.length / 4), Math.floor(taken.length / 2));
    return median(taken.slice(-Math.ceil(taken.length / 4)).map(value)) / median(second.map(value));
  };
  const notes = [`${perSecond.toFixed(0)} orders/s for ${soakMs / 60_000} minutes, ${orders.length} orders in total`];
  const common = { slug: 'soak', unit: '', reference: [], target: { atMost: 1.2 }, notes };
  const of = (title: string, ratio: number) => ({ ...common, title, subject: [ratio], ratio });
  return [
    {
      ...common,
      title: 'soak: p99 in the last quarter, relative to the first',
      unit: 'ms',
      subject: [last],
      reference: [first],
      ratio: last / first,
      charts: charts(orders, taken, begin),
    },
    of(
      'soak: bytes of outbox and inbox per order in the last quarter, relative to the second',
      growth(({ tableBytes, orders: count }) => tableBytes / count),
    ),
    of(
      'soak: memory of both services in the last quarter, relative to the second',
      growth(({ memory }) => memory),
    ),
  ];
};

async function sampleUntil(system: BenchSystem, stopped: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = [];
  const begin = performance.now();
  while (!stopped.aborted) {
    await sleep(sampleMs, undefined, { signal: stopped }).catch(() => undefined);
    const sizes = await Promise.all(
      [system.ordersDb, system.processorDb].map(({ pool }) =>
        pool.query<{ bytes: string }>(
          `select /* bench */ pg_total_relation_size('outbox') + pg_total_relation_size('inbox') as bytes`,
        ),
      ),
    );
    const tableBytes = sizes.reduce((sum, { rows }) => sum + Number(rows[0]?.bytes), 0);
    system.readLogs();
    const memory = memoryOf(system.pidOf('order-api')) + memoryOf(system.pidOf('processor'));
    samples.push({ at: (performance.now() - begin) / 1000, orders: system.accepted, tableBytes, memory });
  }
  return samples;
}

function charts(orders: readonly PlacedOrder[], samples: readonly Sample[], begin: number): Chart[] {
  const stepMs = 10_000;
  const steps = rateOverTime(
    orders.map(({ settledAt }) => settledAt),
    begin,
    stepMs,
  );
  const groups = groupsOverTime(orders, ({ startedAt }) => startedAt, begin, stepMs);
  const p99 = groups.map((group, step) => {
    const latencies = group.map(({ startedAt, settledAt }) => settledAt - startedAt);
    return { x: ((step + 0.5) * stepMs) / 1000, y: latencies.length > 0 ? percentile(latencies, 99) : 0 };
  });
  const memory = samples.map(({ at, memory: bytes }) => ({ x: at, y: bytes / mebibyte }));
  const tables = samples.map(({ at, tableBytes }) => ({ x: at, y: tableBytes / mebibyte }));
  return [
    {
      file: 'soak-throughput.svg',
      title: 'Orders settled',
      xLabel: 'seconds',
      yLabel: '1/s',
      series: [{ name: 'settled', points: steps }],
    },
    {
      file: 'soak-latency.svg',
      title: 'p99 from POST to settled',
      xLabel: 'seconds',
      yLabel: 'ms',
      series: [{ name: 'p99', points: p99 }],
    },
    {
      file: 'soak-memory.svg',
      title: 'Memory and tables',
      xLabel: 'seconds',
      yLabel: 'MiB',
      series: [
        { name: 'both services', points: memory },
        { name: 'outboxes and inboxes', points: tables },
      ],
    },
  ];
}
