import { printable } from '../runtime/printable.js';
import type { InvariantResult } from './verify.js';

/** Returns one line for each invariant and each shown violation. No id or text in them can control the terminal. */
export function linesOfResults(results: readonly InvariantResult[]): string[] {
  const violated = results.filter(({ violationCount }) => violationCount > 0).map(({ id }) => id);
  const lines = [
    ...results.flatMap(linesOf),
    violated.length === 0 ? 'every invariant holds' : `violated: ${violated.join(', ')}`,
  ];
  return lines.map((line) => printable(line));
}

function linesOf({ id, title, checked, violationCount, violations }: InvariantResult): string[] {
  return [
    `${violationCount === 0 ? 'ok  ' : 'FAIL'} ${id.padEnd(4)} ${title}: ${checked} checked, ${violationCount} violations`,
    ...violations.map(({ subject, problem }) => `            ${subject}: ${problem}`),
    ...(violationCount > violations.length ? [`            and ${violationCount - violations.length} more`] : []),
  ];
}
