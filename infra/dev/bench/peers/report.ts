import { figure, markdownTable, medianAndRange } from '../markdown-table.js';
import { median, percentile } from '../statistics.js';

/** The figures of this system in one of its modes, or of a peer. */
export interface PeerMeasurement {
  readonly title: string;
  /** Its packages with their versions and licences. */
  readonly versions: string;
  /** Orders settled per second, for each round. */
  readonly perSecond: readonly number[];
  /** CPU time per order and process in milliseconds, for each round. */
  readonly cpuMs: readonly Readonly<Record<string, number>>[];
  /** Milliseconds from POST to settled of every order at the fixed rate. */
  readonly latencies: readonly number[];
  readonly notes: readonly string[];
  /** Why it was not measured at all. */
  readonly skipped?: string;
  /** Why its figures do not count: an order was lost, duplicated or not settled. */
  readonly invalid?: string;
}

/** Orders per second at which latencies are measured. Every system sustains this rate with room to spare. */
export const fixedRate = 20;

/** Renders the table, followed by what it leaves out: the CPU time of each process and the limits of the comparison. */
export function peersReport(measurements: readonly PeerMeasurement[]): string {
  const head = [
    'system',
    'settled/s',
    'CPU-ms per order',
    `p50 at ${fixedRate}/s`,
    `p99 at ${fixedRate}/s`,
    'versions',
  ];
  const counted = measurements.filter(({ skipped, invalid }) => skipped === undefined && invalid === undefined);
  const notes = counted.flatMap((each) => [...cpuNotes(each), ...each.notes.map((note) => `${each.title}: ${note}`)]);
  return [markdownTable(head, measurements.map(cellsOf)), '', ...notes.map((note) => `- ${note}`)].join('\n');
}

function cellsOf(measurement: PeerMeasurement): string[] {
  const { title, versions, perSecond, cpuMs, latencies, skipped, invalid } = measurement;
  const reason = skipped === undefined ? invalid && `INVALID: ${invalid}` : `skipped: ${skipped}`;
  // Line breaks and vertical bars in the reason would break the table.
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
