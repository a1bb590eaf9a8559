import { median, spread } from '../statistics.js';
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

export function ratioOf({ ours, reference }: Pick<Finding, 'ours' | 'reference'>): number {
  return median(ours) / median(reference);
}

/** The lowest and the highest quotient of a pair. */
export function spreadOfPairs({ ours, reference }: Pick<Finding, 'ours' | 'reference'>): { min: number; max: number } {
  return spread(ours.map((value, index) => value / (reference[index] ?? NaN)));
}
