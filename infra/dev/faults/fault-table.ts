import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A fault that was injected into the system, and its result. */
export interface FaultLine {
  readonly what: string;
  /** The full title of the test. */
  readonly test: string;
  readonly orders: number;
  /** The maximum number of orders that were pending at once. */
  readonly underWay: number;
  readonly recoverySeconds: number;
  /** The longest time that a client waited for a response. */
  readonly slowestAnswerSeconds: number;
  readonly repeats: number;
  /** The ids of the violated invariants, and other expectations that were not met. */
  readonly broken: readonly string[];
}

/** Prints the result as one line and, when TEST_FAULTS_FILE names a file, appends it there as JSON. */
export function recordFault(line: FaultLine): void {
  const { what, orders, underWay, recoverySeconds, slowestAnswerSeconds, repeats } = line;
  console.log(
    `      ${what}: ${orders} orders, up to ${underWay} pending at once, at rest after ${recoverySeconds.toFixed(1)} s, ` +
      `slowest response ${slowestAnswerSeconds.toFixed(1)} s, ${repeats} repeats, ${resultOf(line)}`,
  );
  const file = process.env['TEST_FAULTS_FILE'];
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/**
 * Writes a run's lines as a Markdown table for docs/guarantees.md.
 * @returns the path of the table's file
 */
export function writeFaultTable(linesFile: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'faults.md');
  writeFileSync(file, existsSync(linesFile) ? faultTable(readFileSync(linesFile, 'utf8')) : '');
  return file;
}

/**
 * Formats the lines of a run as a Markdown table.
 * @param lines JSON lines, as `recordFault` writes them
 */
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
      return [what, orders, underWay, recovery, answer, repeats, resultOf(line), test];
    });
  const head = ['fault', 'orders', 'pending at most', 'at rest after', 'slowest response', 'repeats', 'result', 'test'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n') + '\n';
}

function resultOf({ broken }: FaultLine): string {
  return broken.length === 0 ? 'every invariant holds' : `violated: ${broken.join(', ')}`;
}
