import { perOrder, readCounters, readWorkflows, type Counters } from '../counters.js';
import { closedLoop } from '../load.js';
import { startReference } from '../reference-process.js';
import type { Bench, Measurement, Mode, Scenario } from '../scenario.js';
import { median } from '../statistics.js';
import { ratiosOf } from './pairs.js';

interface Settled {
  readonly perSecond: number;
  readonly counters: Counters;
}

/** A system that has just started is slower for a while, until its code is compiled and its plans are prepared. */
const warmUpMs = 3000;
/** A run with this many times the clients shows whether the usual number saturates default mode. */
const crowdFactor = 4;

/**
 * `settling`: no-op workflows, strict mode and default mode, measured in turn on the same server, with the cost of each
 * order.
 */
export const settling: Scenario = async (bench) => {
  const { plan, print } = bench;
  const namespace = (await bench.system('strict')).temporal;
  const reference = await startReference('no-op-workflows', {
    TEMPORAL_ADDRESS: namespace.address,
    TEMPORAL_NAMESPACE: namespace.namespace,
  });
  const noOps: number[] = [];
  const measured: Record<Mode, Settled[]> = { strict: [], default: [] };
  try {
    await reference.run(warmUpMs);
    for (const mode of ['strict', 'default'] as const) await settle(bench, mode, warmUpMs);
    for (let round = 1; round <= plan.pairs; round += 1) {
      noOps.push(await reference.run<number>(plan.windowMs));
      for (const mode of ['strict', 'default'] as const) measured[mode].push(await settle(bench, mode, plan.windowMs));
      const [strict, grouped] = [measured.strict, measured.default].map((all) => all.at(-1)?.perSecond.toFixed(1));
      print(
        `settling: round ${round} of ${plan.pairs}: no-op ${noOps.at(-1)?.toFixed(1)}, strict ${strict}, default ${grouped}`,
      );
    }
  } finally {
    await reference.stop();
  }
  const ratesOf = (mode: Mode): number[] => measured[mode].map((each) => each.perSecond);
  const [strict, grouped] = [ratesOf('strict'), ratesOf('default')];
  bench.capacity = median(grouped);
  const notes = [`closed loop of ${plan.clients} clients`];
  if (bench.kind === 'full') {
    const crowd = plan.clients * crowdFactor;
    const { perSecond } = await settle({ ...bench, plan: { ...plan, clients: crowd } }, 'default', plan.windowMs);
    notes.push(`${crowd} clients settle ${perSecond.toFixed(0)} orders/s in default mode, measured once`);
  }
  return measurements(notes, noOps, strict, grouped, measured);
};

async function settle(bench: Bench, mode: Mode, durationMs: number): Promise<Settled> {
  const system = await bench.system(mode);
  const since = new Date();
  const before = await readCounters(bench, system);
  const { settledPerSecond, orders } = await closedLoop(system, bench.plan.clients, durationMs);
  await system.verify();
  const used = perOrder(before, await readCounters(bench, system), orders.length);
  const workflows = await readWorkflows(system, since);
  return { perSecond: settledPerSecond, counters: { ...perOrder({}, workflows, orders.length), ...used } };
}

function measurements(
  notes: readonly string[],
  noOps: readonly number[],
  strict: readonly number[],
  grouped: readonly number[],
  measured: Record<Mode, readonly Settled[]>,
): Measurement[] {
  const strictToNoOps = { subject: strict, reference: noOps };
  const defaultToStrict = { subject: grouped, reference: strict };
  const unit = '1/s';
  return [
    {
      ...{
        slug: 'strict-settling',
        title: 'strict mode: orders settled/s, relative to no-op workflows/s',
        unit,
        notes,
      },
      ...{ ...strictToNoOps, ...ratiosOf(strictToNoOps), target: { atLeast: 0.6, reached: 0.5 } },
    },
    {
      ...{ slug: 'default-settling', title: 'default mode: orders settled/s, relative to strict mode', unit, notes },
      ...{ ...defaultToStrict, ...ratiosOf(defaultToStrict), target: { atLeast: 10 } },
    },
    transitions('strict', measured.strict, 4),
    transitions('default', measured.default, 0.1),
  ];
}

function transitions(mode: Mode, settled: readonly Settled[], atMost: number): Measurement {
  const of = (name: string): number[] => settled.map(({ counters }) => counters[name] ?? NaN);
  const names = Object.keys(settled[0]?.counters ?? {});
  const notes = names.map((name) => `${name}: ${Number(median(of(name)).toPrecision(3))}`);
  const subject = of('state transitions');
  const title = `${mode} mode: state transitions per order (other counters below)`;
  return {
    slug: `${mode}-transitions`,
    title,
    unit: '',
    subject,
    reference: [],
    ratio: median(subject),
    target: { atMost },
    notes,
  };
}
