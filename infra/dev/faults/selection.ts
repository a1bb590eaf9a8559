/** `full` with `npm run test:faults`; elsewhere a short selection runs with all the other tests. */
const isFull = process.env['TEST_FAULTS'] === 'full';

/** Decides what is random: which faults, in which order, with what content. CHAOS_SEED replays a run. */
export const seed = Number(process.env['CHAOS_SEED'] || Math.floor(Math.random() * 2 ** 31));

export interface FaultOptions {
  /** Whether it belongs to the short selection, too. */
  readonly quick?: boolean;
  readonly limitMs?: number;
}

const usualLimitMs = 180_000;
let title = '';

/** A test of the full suite, and, if it is quick, of the short selection. */
export function fault(
  what: string,
  { quick = false, limitMs = usualLimitMs }: FaultOptions,
  test: Mocha.AsyncFunc,
): void {
  if (!quick && !isFull) return;
  it(what, function () {
    title = this.test?.fullTitle() ?? what;
    return test.call(this);
  }).timeout(limitMs);
}

/** Of the test that runs now. */
export function titleNow(): string {
  return title;
}
