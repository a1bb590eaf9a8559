import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What was done to the system, and what became of it. */
export interface FaultLine {
  readonly what: string;
  /** The test's full title. */
  readonly test: string;
  readonly orders: number;
  /** How many were pending at once, at most. */
  readonly underWay: number;
  readonly recoverySeconds: number;
  /** How long a client waited for an answer, at most. */
  readonly slowestAnswerSeconds: number;
  readonly repeats: number;
  /** Ids of the invariants that did not hold, and what else did not. */
  readonly broken: readonly string[];
}

/** Prints one line for people and, when TEST_FAULTS_FILE names a file, adds one to that. */
export function recordFault(line: FaultLine): void {
  const { what, orders, underWay, recoverySeconds, slowestAnswerSeconds, repeats } = line;
  console.log(
    `      ${what}: ${orders} orders, up to ${underWay} under way at once, at rest after ${recoverySeconds.toFixed(1)} s, ` +
      `slowest answer ${slowestAnswerSeconds.toFixed(1)} s, ${repeats} repeats, ${verdictOf(line)}`,
  );
  const file = process.env['TEST_FAULTS_FILE'];
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Makes the Markdown table of a run's lines, for docs/guarantees.md. Returns its file. */
export function writeFaultTable(linesFile: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'faults.md');
  writeFileSync(file, existsSync(linesFile) ? faultTable(readFileSync(linesFile, 'utf8')) : '');
  return file;
}

/** @param lines JSON lines, as recordFault writes them */
export function faultTable(lines: string): string {
  const rows = lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as FaultLine)
    .map((line) => {
      const { what, test, orders, underWay, repeats } = line;
      const [recovery, answer] = [line.recoverySeconds, line.slowestAnswerSeconds].map(
        (value) => `${value.toFixed(1)} s`,
      );
      return [what, orders, underWay, recovery, answer, repeats, verdictOf(line), test];
    });
  const head = [
    'fault',
    'orders',
    'at once under way',
    'at rest after',
    'slowest answer',
    'repeats',
    'verdict',
    'test',
  ];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n') + '\n';
}

function verdictOf({ broken }: FaultLine): string {
  return broken.length === 0 ? 'every invariant holds' : `broken: ${broken.join(', ')}`;
}
