/** The middle of the values; of an even number, the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which `share` percent of the values lie, with linear interpolation between neighbours. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = ((sorted.length - 1) * share) / 100;
  const below = sorted[Math.floor(rank)] ?? NaN;
  const above = sorted[Math.ceil(rank)] ?? NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** How far apart the values lie. NaN of none. Takes any number of them, which Math.min(...values) does not. */
export function spread(values: readonly number[]): { readonly min: number; readonly max: number } {
  const [first = NaN] = values;
  return {
    min: values.reduce((least, value) => Math.min(least, value), first),
    max: values.reduce((most, value) => Math.max(most, value), first),
  };
}

/** How many of the times fall into each interval of `stepMs` after `startMs`, as a rate per second. */
export function rateOverTime(timesMs: readonly number[], startMs: number, stepMs: number): { x: number; y: number }[] {
  return groupsOverTime(timesMs, (time) => time, startMs, stepMs).map((group, step) => ({
    x: ((step + 0.5) * stepMs) / 1000,
    y: (group.length * 1000) / stepMs,
  }));
}

/** The items of each interval of `stepMs` after `startMs`; intervals without any are there, empty. */
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
  // Array.from, unlike map, visits steps in which nothing happened.
  return Array.from(groups, (group: T[] | undefined) => group ?? []);
}
