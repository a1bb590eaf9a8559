import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../processes/server-directory.js';
import { figure, markdownTable, medianAndRange, rangeOf } from './markdown-table.js';
import { peersReport, type PeerMeasurement } from './peers/report.js';
import { lineChart } from './plot.js';
import { targetResultOf, type Measurement, type Plan } from './scenario.js';

export interface Results {
  readonly measurements: readonly Measurement[];
  /** Scenarios that could not be measured, with the reason. */
  readonly invalid: readonly { readonly scenario: string; readonly reason: string }[];
  /** This system beside its alternatives, if `--peers` asked for them. */
  readonly peers?: readonly PeerMeasurement[];
  readonly machine: Readonly<Record<string, string>>;
  readonly plan: Plan;
}

/** Renders the measurements as a table that reads well on a terminal and as Markdown. */
export function tableOf(measurements: readonly Measurement[]): string {
  const head = ['measurement', 'description', 'subject', 'reference', 'ratio', 'pairs', 'target', 'result'];
  return markdownTable(head, measurements.map(cellsOf));
}

function cellsOf(measurement: Measurement): string[] {
  const { slug, title, unit, subject, reference, ratio, pairs, target } = measurement;
  const limit = 'atLeast' in target ? `${target.atLeast} or more` : `${target.atMost} or less`;
  return [
    ...[slug, title, medianAndRange(subject, unit), medianAndRange(reference, unit), figure(ratio)],
    ...[pairs ? rangeOf(pairs) : '', limit, targetResultOf(measurement)],
  ];
}

/** Writes results.json, report.md and the charts into the directory. */
export function writeResults(directory: string, results: Results): void {
  mkdirSync(directory, { recursive: true });
  const charts = results.measurements.flatMap((measurement) => measurement.charts ?? []);
  for (const { file, title, xLabel, yLabel, series } of charts) {
    writeFileSync(join(directory, file), lineChart(title, xLabel, yLabel, series));
  }
  const plain = results.measurements.map(({ charts: _charts, ...measurement }) => ({
    ...measurement,
    result: targetResultOf(measurement),
  }));
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify({ ...results, measurements: plain }, null, 2)}\n`);
  writeFileSync(join(directory, 'report.md'), markdownOf(results));
}

function markdownOf({ measurements, peers = [], invalid, machine, plan }: Results): string {
  const notes = measurements.flatMap(({ slug, title, notes: some }) =>
    some.map((note) => `- ${slug}, ${title}: ${note}`),
  );
  const charts = measurements
    .flatMap((measurement) => measurement.charts ?? [])
    .map(({ title, file }) => `![${title}](${file})`);
  return [
    '# Benchmark',
    '',
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    `- plan: ${JSON.stringify(plan)}`,
    '',
    ...(measurements.length > 0 ? [tableOf(measurements), ''] : []),
    ...(peers.length > 0 ? [peersReport(peers), ''] : []),
    ...invalid.map(({ scenario, reason }) => `**Invalid: ${scenario}**: ${reason}\n`),
    ...notes,
    '',
    ...charts.flatMap((chart) => [chart, '']),
  ].join('\n');
}

/** Describes the machine, the versions and the commit that the figures were measured on. */
export function describeMachine(versions: Readonly<Record<string, string>>): Record<string, string> {
  const [first] = cpus();
  return {
    processor: `${cpus().length} x ${first?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    Node: process.version,
    ...versions,
    commit: commit(),
    date: new Date().toISOString(),
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: repositoryRoot, encoding: 'utf8' }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ', with uncommitted changes')
    );
  } catch {
    return 'unknown';
  }
}
