import { existsSync, readFileSync } from 'node:fs';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed and why, for a reader who has only the end of a long log. */
  failures: readonly string[];
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] };

export function addCounts(...all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, counts) => ({
      passed: sum.passed + counts.passed,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
      failures: [...sum.failures, ...counts.failures],
    }),
    noCounts,
  );
}

/** Formats the counts as `12 passed, 0 failed`, followed by the skipped tests if there are any. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Returns the sum of the JSON lines that test runners wrote; zero if the file is missing. */
export function readCounts(file: string): Counts {
  if (!existsSync(file)) return noCounts;
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return addCounts(...lines.map((line) => ({ ...noCounts, ...(JSON.parse(line) as Partial<Counts>) })));
}

/** Returns 0 only if something ran and nothing failed. */
export function exitCodeOf({ passed, failed }: Counts): number {
  return failed === 0 && passed > 0 ? 0 : 1;
}
