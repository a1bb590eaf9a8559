const maxDelayMs = 3_600_000;
const jitterShare = 0.2;

/**
 * Returns how long a workflow waits for a signal before it checks by itself, in milliseconds: `checkAfterMs`, doubled
 * after each check that found nothing new, up to an hour (or `checkAfterMs`, if that is longer). A jitter of 20 % in
 * either direction keeps workflows that started together from checking together.
 * @param checks how many checks in a row have found nothing new
 * @param random a number from 0 up to but not including 1
 */
export function checkDelayMs(checkAfterMs: number, checks: number, random: number): number {
  const delayMs = Math.min(checkAfterMs * 2 ** Math.min(checks, 30), Math.max(maxDelayMs, checkAfterMs));
  return Math.round(delayMs * (1 - jitterShare + 2 * jitterShare * random));
}

/** Formats a duration for people: `800 ms`, `30 s`, `4 min`, `1.2 h`. */
export function durationOf(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 360_000) / 10} h`;
}
