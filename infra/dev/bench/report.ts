import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../processes/instance.js';
import { figure, markdownTable, medianAndRange, rangeOf } from './markdown-table.js';
import { peersReport, type PeerMeasurement } from './peers/report.js';
import { lineChart } from './plot.js';
import { verdictOf, type Finding, type Plan } from './row.js';

export interface Results {
  readonly findings: readonly Finding[];
  /** Rows that could not be measured, with the reason. */
  readonly invalid: readonly { readonly row: string; readonly reason: string }[];
  /** This system beside what could be taken instead of it, when that was asked for. */
  readonly peers?: readonly PeerMeasurement[];
  readonly machine: Readonly<Record<string, string>>;
  readonly plan: Plan;
}

/** The result as a table: for people on a terminal, and as Markdown. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = [...findings].sort((a, b) => a.number - b.number).map(cellsOf);
  const head = ['#', 'what', 'ours', 'reference', 'ratio', 'pairs', 'must reach', ''];
  return markdownTable(head, rows);
}

function cellsOf(finding: Finding): string[] {
  const { number, title, unit, ours, reference, ratio, pairs, target } = finding;
  const limit = 'atLeast' in target ? `${target.atLeast} or more` : `${target.atMost} or less`;
  return [
    ...[String(number), title, medianAndRange(ours, unit), medianAndRange(reference, unit), figure(ratio)],
    ...[pairs ? rangeOf(pairs) : '', limit, verdictOf(finding)],
  ];
}

/** Writes results.json, report.md and the charts into the directory. */
export function writeResults(directory: string, results: Results): void {
  mkdirSync(directory, { recursive: true });
  const charts = results.findings.flatMap((finding) => finding.charts ?? []);
  for (const { file, title, xLabel, yLabel, series } of charts) {
    writeFileSync(join(directory, file), lineChart(title, xLabel, yLabel, series));
  }
  const plain = results.findings.map(({ charts: _charts, ...finding }) => ({
    ...finding,
    verdict: verdictOf(finding),
  }));
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify({ ...results, findings: plain }, null, 2)}\n`);
  writeFileSync(join(directory, 'report.md'), markdownOf(results));
}

function markdownOf({ findings, peers = [], invalid, machine, plan }: Results): string {
  const notes = findings.flatMap(({ number, title, notes: some }) =>
    some.map((note) => `- ${number}, ${title}: ${note}`),
  );
  const charts = findings.flatMap((finding) => finding.charts ?? []).map(({ title, file }) => `![${title}](${file})`);
  return [
    '# Benchmark',
    '',
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    `- plan: ${JSON.stringify(plan)}`,
    '',
    ...(findings.length > 0 ? [tableOf(findings), ''] : []),
    ...(peers.length > 0 ? [peersReport(peers), ''] : []),
    ...invalid.map(({ row, reason }) => `**Invalid: ${row}**: ${reason}\n`),
    ...notes,
    '',
    ...charts.flatMap((chart) => [chart, '']),
  ].join('\n');
}

/** What the figures were measured on. */
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
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ', with changes');
  } catch {
    return 'unknown';
  }
}
