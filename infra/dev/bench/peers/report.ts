import { figure, markdownTable, medianAndRange } from '../markdown-table.js';
import { median, percentile } from '../statistics.js';

/** What was measured of this system in one of its modes, or of a peer. */
export interface PeerMeasurement {
  readonly title: string;
  /** Its packages with their versions and licences. */
  readonly versions: string;
  /** Orders settled a second, in each round. */
  readonly perSecond: readonly number[];
  /** CPU-ms for each order by process, in each round. */
  readonly cpuMs: readonly Readonly<Record<string, number>>[];
  /** Of all orders at the fixed rate, from POST to settled. */
  readonly latencies: readonly number[];
  readonly notes: readonly string[];
  /** Why it was not measured at all. */
  readonly skipped?: string;
  /** Why its figures do not count: an order lost, doubled or not settled. */
  readonly invalid?: string;
}

/** Orders a second at which latencies are measured: all systems can do it, with room to spare. */
export const fixedRate = 20;

/** The table, then what is not in it: the CPU time of each process, and where the comparison limps. */
export function peersReport(measurements: readonly PeerMeasurement[]): string {
  const head = ['what', 'settled/s', 'CPU-ms per order', `p50 at ${fixedRate}/s`, `p99 at ${fixedRate}/s`, 'versions'];
  const counted = measurements.filter(({ skipped, invalid }) => skipped === undefined && invalid === undefined);
  const notes = counted.flatMap((each) => [...cpuNotes(each), ...each.notes.map((note) => `${each.title}: ${note}`)]);
  return [markdownTable(head, measurements.map(cellsOf)), '', ...notes.map((note) => `- ${note}`)].join('\n');
}

function cellsOf(measurement: PeerMeasurement): string[] {
  const { title, versions, perSecond, cpuMs, latencies, skipped, invalid } = measurement;
  const reason = skipped === undefined ? invalid && `INVALID: ${invalid}` : `skipped: ${skipped}`;
  // The reason may have lines and bars in it, which would break the table.
  if (reason !== undefined) return [title, reason.replaceAll(/[\s|]+/g, ' ').slice(0, 200), '', '', '', versions];
  const milliseconds = (share: number): string => `${figure(percentile(latencies, share))} ms`;
  const cpu = medianAndRange(cpuMs.map(sumOf), 'ms');
  return [title, medianAndRange(perSecond, '1/s'), cpu, milliseconds(50), milliseconds(99), versions];
}

function cpuNotes({ title, cpuMs }: PeerMeasurement): string[] {
  const [first] = cpuMs;
  if (!first) return [];
  const of = (process: string): string => figure(median(cpuMs.map((round) => round[process] ?? NaN)));
  const parts = Object.keys(first).map((process) => `${process} ${of(process)}`);
  return [`${title}: CPU-ms per order: ${parts.join(', ')}`];
}

function sumOf(byProcess: Readonly<Record<string, number>>): number {
  return Object.values(byProcess).reduce((sum, ms) => sum + ms, 0);
}
