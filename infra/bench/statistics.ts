/** The middle of the values; of an even number, the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which `share` percent of the values lie, with linear interpolation between neighbours. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = ((sorted.length - 1) * share) / 100;
  const below = sorted[Math.floor(rank)] ?? NaN;
  const above = sorted[Math.ceil(rank)] ?? NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** How far apart the values lie. */
export function spread(values: readonly number[]): { readonly min: number; readonly max: number } {
  return { min: Math.min(...values), max: Math.max(...values) };
}

/** How many of the times fall into each interval of `stepMs` after `startMs`, as a rate per second. */
export function rateOverTime(timesMs: readonly number[], startMs: number, stepMs: number): { x: number; y: number }[] {
  const counts: number[] = [];
  for (const time of timesMs) {
    const step = Math.floor((time - startMs) / stepMs);
    if (step >= 0) counts[step] = (counts[step] ?? 0) + 1;
  }
  // Array.from, unlike map, visits steps in which nothing happened.
  return Array.from(counts, (count: number | undefined, step) => ({
    x: ((step + 0.5) * stepMs) / 1000,
    y: ((count ?? 0) * 1000) / stepMs,
  }));
}
