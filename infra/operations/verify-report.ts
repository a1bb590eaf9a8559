import { printable } from '../runtime/printable.js';
import type { Verdict } from './verify.js';

/** What was found, a line for each invariant and each fault that is shown; no id or text can command the terminal. */
export function linesOfVerdicts(verdicts: readonly Verdict[]): string[] {
  const broken = verdicts.filter(({ faults }) => faults > 0).map(({ id }) => id);
  const lines = [
    ...verdicts.flatMap(linesOf),
    broken.length === 0 ? 'every invariant holds' : `broken: ${broken.join(', ')}`,
  ];
  return lines.map((line) => printable(line));
}

function linesOf({ id, title, checked, faults, offending }: Verdict): string[] {
  return [
    `${faults === 0 ? 'ok  ' : 'FAIL'} ${id.padEnd(4)} ${title}: ${checked} checked, ${faults} at fault`,
    ...offending.map(({ subject, fault }) => `            ${subject}: ${fault}`),
    ...(faults > offending.length ? [`            and ${faults - offending.length} more`] : []),
  ];
}
