import { perOrder } from '../counters.js';
import { closedLoop, latenciesOf, openLoop } from '../load.js';
import { providePeerPackages } from '../peers/packages.js';
import { PeerUnavailable } from '../peers/peer.js';
import { fixedRate, type PeerMeasurement } from '../peers/report.js';
import { candidatesOf, type Candidate, type Subject } from '../peers/subjects.js';
import type { Bench } from '../scenario.js';
import { percentile } from '../statistics.js';

/** A system that has just started is slower for a while, until its code is compiled and its plans are prepared. */
const warmUpMs = 3000;

interface Round {
  readonly perSecond: number;
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly latencies: readonly number[];
}

/** A candidate with its measurements so far, or with the reason why it takes no further part. */
interface Entry {
  readonly candidate: Candidate;
  /** Undefined once it is stopped. */
  subject: Subject | undefined;
  readonly rounds: Round[];
  skipped?: string;
  invalid?: string;
}

/**
 * Measures this system in both modes and each of its peers, in turn on the same servers and with the same load over
 * HTTP. A peer that is not available on this machine is reported as skipped; one that does not start, or that loses or
 * duplicates an order, is reported as invalid. Neither makes this throw.
 */
export async function measurePeers(bench: Bench, stop: AbortSignal): Promise<PeerMeasurement[]> {
  const { plan, print } = bench;
  let installing: Promise<string> | undefined;
  const packages = (): Promise<string> => (installing ??= install(print, stop));
  const entries: Entry[] = [];
  try {
    for (const candidate of candidatesOf(bench, packages)) entries.push(await enter(candidate, bench));
    for (let round = 1; round <= plan.pairs; round += 1) {
      for (const entry of entries) await measureOnce(entry, bench, `round ${round} of ${plan.pairs}`);
    }
  } finally {
    await Promise.all(entries.map((entry) => leave(entry, bench)));
  }
  return entries.map(toMeasurement);
}

/** @throws the error of npm, which is printed here, once for all peers */
async function install(print: Bench['print'], stop: AbortSignal): Promise<string> {
  try {
    return await providePeerPackages(process.env, print, stop);
  } catch (error) {
    print(`installing the peers' packages failed, so the peers are skipped: ${String(error)}`);
    throw error;
  }
}

/** Starts the candidate and warms it up. */
async function enter(candidate: Candidate, bench: Bench): Promise<Entry> {
  const entry: Entry = { candidate, subject: undefined, rounds: [] };
  let subject: Subject;
  try {
    subject = await candidate.start();
  } catch (error) {
    const reason = error instanceof PeerUnavailable ? { skipped: error.message } : { invalid: String(error) };
    const outcome = reason.skipped === undefined ? `INVALID: ${reason.invalid}` : `skipped: ${reason.skipped}`;
    bench.print(`${candidate.title}: ${outcome}`);
    return { ...entry, ...reason };
  }
  const entered = { ...entry, subject };
  await orInvalid(entered, bench, async () => {
    await closedLoop(subject.system, bench.plan.clients, warmUpMs);
    await subject.system.verify();
  });
  return entered;
}

async function measureOnce(entry: Entry, bench: Bench, name: string): Promise<void> {
  const { candidate, subject, rounds } = entry;
  if (!subject) return;
  await orInvalid(entry, bench, async () => {
    const round = await measure(subject, bench);
    rounds.push(round);
    const cpuMs = Object.values(round.cpuMs).reduce((sum, ms) => sum + ms, 0);
    const [p50, p99] = [50, 99].map((share) => percentile(round.latencies, share).toFixed(0));
    bench.print(
      `${candidate.title}: ${name}: ${round.perSecond.toFixed(1)}/s, ${cpuMs.toFixed(1)} CPU-ms, p50 ${p50} ms, p99 ${p99} ms`,
    );
  });
}

async function measure(subject: Subject, { plan }: Bench): Promise<Round> {
  const { system } = subject;
  const before = subject.readCpu();
  const { settledPerSecond, orders } = await closedLoop(system, plan.clients, plan.windowMs);
  await system.verify();
  const cpuMs = perOrder(before, subject.readCpu(), orders.length);
  const load = await openLoop(system, fixedRate, plan.steadyMs / plan.pairs);
  await system.verify();
  return { perSecond: settledPerSecond, cpuMs, latencies: latenciesOf(load) };
}

/** Stops a system whose run fails, since the work it left open would disturb the systems after it. */
async function orInvalid(entry: Entry, bench: Bench, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    entry.invalid = String(error);
    bench.print(`${entry.candidate.title}: INVALID: ${entry.invalid}`);
    await leave(entry, bench);
  }
}

/** Stops the entry's system. Never throws, and does nothing the second time. */
async function leave(entry: Entry, { print }: Bench): Promise<void> {
  const { subject } = entry;
  entry.subject = undefined;
  await subject?.stop().catch((error: unknown) => print(`stopping ${entry.candidate.title} failed: ${String(error)}`));
}

function toMeasurement({ candidate, rounds, skipped, invalid }: Entry): PeerMeasurement {
  const { title, versions, notes } = candidate;
  return {
    ...{ title, versions, notes },
    perSecond: rounds.map(({ perSecond }) => perSecond),
    cpuMs: rounds.map(({ cpuMs }) => cpuMs),
    latencies: rounds.flatMap(({ latencies }) => latencies),
    ...(skipped === undefined ? {} : { skipped }),
    ...(invalid === undefined ? {} : { invalid }),
  };
}
