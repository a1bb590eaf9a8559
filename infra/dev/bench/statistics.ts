/** The middle value, or the mean of the two middle values; NaN if there are none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/**
 * The value below which `share` percent of the values lie, with linear interpolation between neighbours; NaN if there
 * are no values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = ((sorted.length - 1) * share) / 100;
  const below = sorted[Math.floor(rank)] ?? NaN;
  const above = sorted[Math.ceil(rank)] ?? NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}

/**
 * The smallest and the largest value; NaN if there are none. Takes any number of values, unlike Math.min(...values).
 */
export function spread(values: readonly number[]): { readonly min: number; readonly max: number } {
  const [first = NaN] = values;
  return {
    min: values.reduce((min, value) => Math.min(min, value), first),
    max: values.reduce((max, value) => Math.max(max, value), first),
  };
}

/** Counts the times in each interval of `stepMs` after `startMs`, as a rate per second. */
export function rateOverTime(timesMs: readonly number[], startMs: number, stepMs: number): { x: number; y: number }[] {
  return groupsOverTime(timesMs, (time) => time, startMs, stepMs).map((group, step) => ({
    x: ((step + 0.5) * stepMs) / 1000,
    y: (group.length * 1000) / stepMs,
  }));
}

/** Groups the items by interval of `stepMs` after `startMs`. An interval without items is an empty group. */
export function groupsOverTime<T>(
  items: readonly T[],
  timeOf: (item: T) => number,
  startMs: number,
  stepMs: number,
): T[][] {
  const groups: T[][] = [];
  for (const item of items) {
    const step = Math.floor((timeOf(item) - startMs) / stepMs);
    if (step >= 0) (groups[step] ??= []).push(item);
  }
  // Array.from, unlike map, also visits the steps in which nothing happened.
  return Array.from(groups, (group: T[] | undefined) => group ?? []);
}
