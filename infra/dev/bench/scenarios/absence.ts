import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../testing/eventually.js';
import { perOrder, readCounters, type Counters } from '../counters.js';
import { placeAtRate } from '../load.js';
import { countTransitions, sampleOpenWorkflows } from '../open-workflows.js';
import type { Bench, Measurement, Mode, Scenario } from '../scenario.js';
import type { BenchSystem } from '../system.js';

const perSecond = 100;
const clients = 8;
const minuteMs = 60_000;
/** CPU-seconds per minute: one core, fully used. */
const maxCpuPerMinute = 60;
/** In strict mode some 30 orders are started or settled per second; this allows each three times as long. */
const limitPerOrderMs = 100;
const minLimitMs = 600_000;

/** What was used in each minute of waiting, and while catching up. */
interface Absence {
  readonly minutes: readonly Counters[];
  readonly transitionsPerMinute: number;
  readonly workflows: number;
  readonly placingSeconds: number;
  readonly catchingUp: Counters;
  readonly settledSeconds: number;
  /** Seconds until the last workflow had completed as well. */
  readonly completedSeconds: number;
}

/**
 * `absence`: the processor is down for a long time while many orders wait for it. This measures what the waiting costs,
 * and what catching up costs. In strict mode each order has a workflow that checks from time to time.
 */
export const absence: Scenario = async (bench) => {
  const measurements: Measurement[] = [];
  for (const mode of ['strict', 'default'] as const) {
    measurements.push(toMeasurement(bench, mode, await measure(bench, mode)));
    // Otherwise what this system uses while idle would count for the other mode.
    const system = await bench.system(mode);
    await Promise.all([system.stopService('order-api'), system.stopService('processor')]);
  }
  return measurements;
};

async function measure(bench: Bench, mode: Mode): Promise<Absence> {
  const { absenceOrders: orders = 0, absenceMs = 0 } = bench.plan;
  const limitMs = minLimitMs + orders * limitPerOrderMs;
  const system = await bench.system(mode);
  await system.stopService('processor');
  const placedAt = performance.now();
  await placeAtRate(system, clients, perSecond, orders);
  // Orders are accepted faster than workflows are started; working off that backlog is not part of the waiting.
  await eventually(`${mode}: every event is in the queue`, () => assertNone(system, unpublished), limitMs);
  const placingSeconds = (performance.now() - placedAt) / 1000;
  bench.print(`absence, ${mode}: ${orders} orders are waiting, placed in ${placingSeconds.toFixed(0)} s`);

  const sample = await sampleOpenWorkflows(system);
  assert.ok(sample.open > 0, 'no workflow is open although orders are waiting');
  const transitionsBefore = await countTransitions(system, sample);
  const minutes = await measureMinutes(bench, system, absenceMs);
  const transitions = (await countTransitions(system, sample)) - transitionsBefore;

  const before = await readCounters(bench, system);
  const begin = performance.now();
  await system.startService('processor');
  await eventually(`${mode}: every order is settled`, () => assertNone(system, pending), limitMs);
  const settledSeconds = (performance.now() - begin) / 1000;
  await system.verify(limitMs);
  const completedSeconds = (performance.now() - begin) / 1000;
  const catchingUp = perOrder(before, await readCounters(bench, system), 1);
  const settledAfter = `${settledSeconds.toFixed(1)} s, including the start of the processor`;
  bench.print(`absence, ${mode}: all orders settled after ${settledAfter}`);
  const transitionsPerMinute = ((transitions / sample.workflowIds.length) * sample.open * minuteMs) / absenceMs;
  const seconds = { placingSeconds, settledSeconds, completedSeconds };
  return { minutes, transitionsPerMinute, workflows: sample.open, catchingUp, ...seconds };
}

const unpublished = `select /* bench */ from outbox where published_at is null and attempts >= 0 limit 1`;
const pending = `select /* bench */ from orders where version = 1 limit 1`;

async function assertNone({ ordersDb }: BenchSystem, statement: string): Promise<void> {
  assert.equal((await ordersDb.pool.query(statement)).rowCount, 0);
}

/** Returns what was used per minute, for each minute; a shorter last part is scaled to a minute. */
async function measureMinutes(bench: Bench, system: BenchSystem, durationMs: number): Promise<Counters[]> {
  const minutes: Counters[] = [];
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    const [before, begin] = [await readCounters(bench, system), performance.now()];
    await sleep(Math.min(minuteMs, end - begin));
    const partOfMinute = (performance.now() - begin) / minuteMs;
    minutes.push(perOrder(before, await readCounters(bench, system), partOfMinute));
    system.readLogs();
  }
  return minutes;
}

/** The CPU-seconds of every process except the load generator, which is not part of the system. */
function cpuOf(counters: Counters): [name: string, seconds: number][] {
  const isOfSystem = (name: string): boolean => name.startsWith('CPU-ms of ') && !name.endsWith('load generator');
  return Object.entries(counters).flatMap(([name, ms]) =>
    isOfSystem(name) ? [[name.replace('CPU-ms of ', ''), ms / 1000]] : [],
  );
}

function cpuSum(counters: Counters): number {
  return cpuOf(counters).reduce((sum, [, seconds]) => sum + seconds, 0);
}

function toMeasurement({ plan }: Bench, mode: Mode, absent: Absence): Measurement {
  const { minutes, catchingUp, transitionsPerMinute, workflows, placingSeconds } = absent;
  const subject = minutes.map(cpuSum);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const waiting = cpuOf(minutes[0] ?? {}).map(
    ([name]) => [name, mean(minutes.map((minute) => new Map(cpuOf(minute)).get(name) ?? 0))] as const,
  );
  const list = (cpu: readonly (readonly [string, number])[]): string =>
    cpu.map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`).join(', ');
  const notes = [
    `${plan.absenceOrders} orders in ${workflows} workflows, placed and their events published in ${placingSeconds.toFixed(0)} s; then ${((plan.absenceMs ?? 0) / minuteMs).toFixed(1)} minutes of waiting`,
    `waiting, CPU-seconds per minute: ${list(waiting)}; first minute ${subject[0]?.toFixed(2)}, last ${subject.at(-1)?.toFixed(2)}`,
    `waiting, state transitions per minute: ${transitionsPerMinute.toFixed(0)}`,
    `catching up: all orders settled after ${absent.settledSeconds.toFixed(1)} s, including the start of the processor; every workflow completed and every order counted after ${absent.completedSeconds.toFixed(1)} s`,
    `catching up, CPU-seconds: ${list(cpuOf(catchingUp))}; ${cpuSum(catchingUp).toFixed(1)} in total`,
  ];
  return {
    ...{ slug: `${mode}-absence`, title: `${mode} mode: CPU time per minute while the processor is down`, unit: 's' },
    ...{ subject, reference: [], ratio: mean(subject), target: { atMost: maxCpuPerMinute }, notes },
  };
}
