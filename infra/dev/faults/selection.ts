import { basename } from 'node:path';

/** `npm run test:faults` sets `full`. Otherwise only a quick selection runs, with all the other tests. */
const isFull = process.env['TEST_FAULTS'] === 'full';

/** The seed of everything random: which faults, in which order, with what content. CHAOS_SEED replays a run. */
export const seed = Number(process.env['CHAOS_SEED'] || Math.floor(Math.random() * 2 ** 31));

export interface FaultOptions {
  /** True when the test also belongs to the quick selection. Default: false. */
  readonly quick?: boolean;
  /** The test's timeout. Default: 180,000 ms. */
  readonly limitMs?: number;
}

const usualLimitMs = 180_000;
let file = '';

/** Defines a test of the full suite and, if it is quick, of the quick selection. */
export function fault(
  what: string,
  { quick = false, limitMs = usualLimitMs }: FaultOptions,
  test: Mocha.AsyncFunc,
): void {
  if (!quick && !isFull) return;
  it(what, function () {
    file = basename(this.test?.file ?? '');
    return test.call(this);
  }).timeout(limitMs);
}

/** Returns the name of the file of the running test. */
export function currentFile(): string {
  return file;
}
