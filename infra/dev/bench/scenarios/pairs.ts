import { median } from '../statistics.js';
import type { Bench, Measurement } from '../scenario.js';

/** Measures reference and subject in turn, `pairs` times, so that a disturbance affects both. */
export async function measurePairs(
  { plan, print }: Bench,
  title: string,
  reference: () => Promise<number>,
  subject: () => Promise<number>,
): Promise<Pick<Measurement, 'subject' | 'reference'>> {
  const measured = { reference: [] as number[], subject: [] as number[] };
  for (let pair = 1; pair <= plan.pairs; pair += 1) {
    measured.reference.push(await reference());
    measured.subject.push(await subject());
    const [a, b] = [measured.reference.at(-1) ?? NaN, measured.subject.at(-1) ?? NaN];
    print(`${title}: pair ${pair} of ${plan.pairs}: reference ${a.toFixed(1)}, subject ${b.toFixed(1)}`);
  }
  return measured;
}

/** Returns the ratio of the medians, and the ratio of each pair. */
export function ratiosOf({
  subject,
  reference,
}: Pick<Measurement, 'subject' | 'reference'>): Pick<Measurement, 'ratio' | 'pairs'> {
  const pairs = subject.map((value, index) => value / (reference[index] ?? NaN));
  return { ratio: median(subject) / median(reference), pairs };
}
