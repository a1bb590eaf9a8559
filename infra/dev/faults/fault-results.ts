import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { seed } from './selection.js';

/** A fault that was injected into the system, and its result. */
export interface FaultLine {
  readonly what: string;
  /** The name of the test file. */
  readonly file: string;
  /** Of everything random in the run. */
  readonly seed: number;
  readonly orders: number;
  /** The maximum number of orders that were pending at once. */
  readonly pendingMax: number;
  readonly recoverySeconds: number;
  /** The longest time that a client waited for a response. */
  readonly slowestResponseSeconds: number;
  readonly repeats: number;
  /** The ids of the violated invariants, and other expectations that were not met. */
  readonly broken: readonly string[];
}

/** A run of the whole suite, for the head of its results. */
export interface FaultRunFacts {
  readonly date: string;
  readonly commit: string;
  readonly minutes: number;
  readonly machine: string;
}

const suites: Readonly<Record<string, string>> = {
  'chaos.faults.test.ts': 'Chaos: several random faults at a time',
  'crashes.faults.test.ts': 'A service is killed at a failpoint',
  'load-and-deploys.faults.test.ts': 'Stops, deploys and overload',
  'lost-signals.faults.test.ts': 'Signals are lost',
  'people.faults.test.ts': 'A person acts on a workflow',
  'messages.faults.test.ts': 'Messages',
  'network.faults.test.ts': 'The network fails',
  'servers.faults.test.ts': 'A server fails',
};

/** Prints the result as one line and, when TEST_FAULTS_FILE names a file, appends it there as JSON. */
export function recordFault(result: Omit<FaultLine, 'seed'>): void {
  const { what, orders, pendingMax, recoverySeconds, slowestResponseSeconds, repeats } = result;
  console.log(
    `      ${what}: ${orders} orders, up to ${pendingMax} pending at once, at rest after ${seconds(recoverySeconds)}, ` +
      `slowest response ${seconds(slowestResponseSeconds)}, ${repeats} repeats, ${resultOf(result)}`,
  );
  const file = process.env['TEST_FAULTS_FILE'];
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify({ ...result, seed } satisfies FaultLine)}\n`);
}

/** Returns what `recordFault` wrote to the file; nothing if there is no file. */
export function readFaults(file: string): FaultLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as FaultLine);
}

/** Returns docs/fault-results.md for a run, with one table for each file of tests. */
export function faultResults(faults: readonly FaultLine[], { date, commit, minutes, machine }: FaultRunFacts): string {
  const orders = faults.reduce((sum, fault) => sum + fault.orders, 0);
  const slowest = Math.max(...faults.map((fault) => fault.slowestResponseSeconds));
  const longest = faults.reduce((a, b) => (a.recoverySeconds > b.recoverySeconds ? a : b));
  const violated = faults.filter(({ broken }) => broken.length > 0).length;
  const summary =
    violated === 0 ? 'Every invariant held in every row.' : `An invariant was violated in ${violated} of the rows.`;
  const files = [...new Set([...Object.keys(suites), ...faults.map(({ file }) => file)])];
  const sections = files.flatMap((file) => {
    const rows = faults.filter((fault) => fault.file === file);
    return rows.length === 0 ? [] : [section(file, rows)];
  });
  return `# Fault results

What the system has survived, fault by fault. [Guarantees](guarantees.md#survived) says what the suite does and what it
checks. \`npm run test:faults\` writes this page to \`fault-results/\`; \`-- -g "<words of a title>"\` runs some of the faults, and
\`CHAOS_SEED\` repeats the random ones.

- _Pending at most_: the largest number of orders that were pending at the same time.
- _At rest after_: from the end of the load until nothing was in progress any more. The limit is a minute, and as long
  again as orders have piled up.
- _Slowest response_: of all requests of all clients. The limit is 5 s.
- _Repeats_: events that came again and that an inbox caught.

This is one run, on ${date}, of the commit \`${commit}\`: ${faults.length} faults, ${orders.toLocaleString('en')} orders, ${minutes} minutes, on
${machine}. Its seed is ${faults[0]?.seed ?? 'unknown'}. ${summary} The longest way to rest took ${seconds(longest.recoverySeconds)} (${longest.what}), and the slowest
response ${seconds(slowest)}.

${sections.join('\n')}`;
}

function section(file: string, faults: readonly FaultLine[]): string {
  const head = ['fault', 'orders', 'pending at most', 'at rest after', 'slowest response', 'repeats', 'result'];
  const rows = faults.map((fault) => {
    const { what, orders, pendingMax, recoverySeconds, slowestResponseSeconds, repeats } = fault;
    const counts = [orders, pendingMax].map((count) => count.toLocaleString('en'));
    return [what, ...counts, seconds(recoverySeconds), seconds(slowestResponseSeconds), repeats, resultOf(fault)];
  });
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `## ${suites[file] ?? file}

[${file}](../infra/dev/faults/${file})

<!-- prettier-ignore -->
${table}
`;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function resultOf({ broken }: Pick<FaultLine, 'broken'>): string {
  return broken.length === 0 ? 'every invariant holds' : `violated: ${broken.join(', ')}`;
}
