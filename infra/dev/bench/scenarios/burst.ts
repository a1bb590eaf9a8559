import { setTimeout as sleep } from 'node:timers/promises';
import { placeMany } from '../load.js';
import { memoryOf } from '../process-usage.js';
import type { Chart, Scenario } from '../scenario.js';
import type { BenchSystem, ServiceName } from '../system.js';

const clients = 200;
const stepMs = 250;
const settleLimitMs = 300_000;
/** A garbage collector keeps a varying amount of memory in reserve, so growth is judged by the second burst. */
const maxGrowth = 1.25;
const coolDownMs = 5000;
const services: readonly ServiceName[] = ['order-api', 'processor'];
const mebibyte = 2 ** 20;

interface Sample {
  readonly at: number;
  readonly accepted: number;
  readonly settled: number;
  readonly memory: readonly number[];
}

interface Burst {
  readonly acceptedMs: number;
  readonly settledMs: number;
  readonly samples: readonly Sample[];
  /** Memory of each service in MiB, 5 seconds after every order was settled. */
  readonly memoryAfter: readonly number[];
}

/** `burst`: as many orders at once as the API accepts, twice, to see how much memory stays in use. */
export const burst: Scenario = async (bench) => {
  const system = await bench.system('default');
  const size = bench.plan.burstSize;
  const memoryBefore = memoryIn(system);
  const bursts: Burst[] = [];
  for (const turn of ['first', 'second'] as const) {
    const result = await oneBurst(system, size);
    bursts.push(result);
    bench.print(`burst: ${turn}: accepted in ${seconds(result.acceptedMs)}, settled in ${seconds(result.settledMs)}`);
  }
  const [first, second] = bursts as [Burst, Burst];
  const growth = Math.max(
    ...services.map((_, index) => (second.memoryAfter[index] ?? 0) / (first.memoryAfter[index] ?? 1)),
  );
  const peaks = services.map((_, index) =>
    Math.max(...bursts.flatMap(({ samples }) => samples.map(({ memory }) => memory[index] ?? 0))),
  );
  const notes = [
    `${size} orders in each burst, none refused: accepted in ${seconds(first.acceptedMs)} and ${seconds(second.acceptedMs)}, settled in ${seconds(first.settledMs)} and ${seconds(second.settledMs)}`,
    ...services.map((name, index) => {
      const of = (values: readonly number[]): string => `${values[index]?.toFixed(0)} MiB`;
      return `memory of ${name}: ${of(memoryBefore)} before, ${of(peaks)} at the peak, ${of(first.memoryAfter)} after the first burst, ${of(second.memoryAfter)} after the second`;
    }),
  ];
  const title = `memory after a second burst of ${size} POSTs, relative to after the first`;
  const measured = { subject: second.memoryAfter, reference: first.memoryAfter };
  const target = { atMost: maxGrowth };
  return [{ slug: 'burst', title, unit: 'MiB', ...measured, ratio: growth, target, notes, charts: charts(first) }];
};

async function oneBurst(system: BenchSystem, size: number): Promise<Burst> {
  const settledBefore = await settledIn(system);
  const acceptedBefore = system.accepted;
  const begin = performance.now();
  const samples: Sample[] = [];
  let acceptedMs = Infinity;
  const placing = placeMany(system, clients, size).then(() => {
    acceptedMs = performance.now() - begin;
  });
  for (let settled = 0; settled < size && performance.now() - begin < settleLimitMs;) {
    await sleep(stepMs);
    settled = (await settledIn(system)) - settledBefore;
    const memory = memoryIn(system);
    samples.push({
      at: (performance.now() - begin) / 1000,
      accepted: system.accepted - acceptedBefore,
      settled,
      memory,
    });
  }
  await placing;
  const settledMs = (samples.at(-1)?.at ?? Infinity) * 1000;
  await system.verify();
  await sleep(coolDownMs);
  return {
    acceptedMs,
    settledMs,
    samples,
    memoryAfter: memoryIn(system),
  };
}

function memoryIn(system: BenchSystem): number[] {
  return services.map((name) => memoryOf(system.pidOf(name)) / mebibyte);
}

async function settledIn({ ordersDb }: BenchSystem): Promise<number> {
  const { rows } = await ordersDb.pool.query<{ count: string }>(
    `select /* bench */ count(*) from orders where status <> 'pending'`,
  );
  return Number(rows[0]?.count);
}

function charts({ samples }: Burst): Chart[] {
  const points = (value: (sample: Sample) => number) => samples.map((sample) => ({ x: sample.at, y: value(sample) }));
  return [
    {
      ...{ file: 'burst.svg', title: 'A burst of orders', xLabel: 'seconds', yLabel: 'orders' },
      series: [
        { name: 'accepted', points: points(({ accepted }) => accepted) },
        { name: 'settled', points: points(({ settled }) => settled) },
      ],
    },
    {
      ...{ file: 'burst-memory.svg', title: 'Memory during the burst', xLabel: 'seconds', yLabel: 'MiB' },
      series: services.map((name, index) => ({ name, points: points(({ memory }) => memory[index] ?? 0) })),
    },
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
