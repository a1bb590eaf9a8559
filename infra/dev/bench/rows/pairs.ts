import { median } from '../statistics.js';
import type { Bench, Finding } from '../row.js';

/** Measures reference and ours in turn, `pairs` times, so that a disturbance meets both. */
export async function measurePairs(
  { plan, report }: Bench,
  title: string,
  reference: () => Promise<number>,
  ours: () => Promise<number>,
): Promise<Pick<Finding, 'ours' | 'reference'>> {
  const measured = { reference: [] as number[], ours: [] as number[] };
  for (let pair = 1; pair <= plan.pairs; pair += 1) {
    measured.reference.push(await reference());
    measured.ours.push(await ours());
    const [a, b] = [measured.reference.at(-1) ?? NaN, measured.ours.at(-1) ?? NaN];
    report(`${title}: pair ${pair} of ${plan.pairs}: reference ${a.toFixed(1)}, ours ${b.toFixed(1)}`);
  }
  return measured;
}

/** The quotient of the medians, and that of each pair. */
export function ratiosOf({ ours, reference }: Pick<Finding, 'ours' | 'reference'>): Pick<Finding, 'ratio' | 'pairs'> {
  const pairs = ours.map((value, index) => value / (reference[index] ?? NaN));
  return { ratio: median(ours) / median(reference), pairs };
}
