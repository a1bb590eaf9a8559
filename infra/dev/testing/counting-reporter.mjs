import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_TEST_FAIL } = Mocha.Runner.constants;
const maxReasonLength = 1_000;

/**
 * Prints Mocha's own `spec` output, and appends the counts as a JSON line to TEST_COUNTS_FILE, where they are added up.
 */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failures = [];
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      failures.push(`${test.fullTitle()}: ${String(error.message).slice(0, maxReasonLength)}`);
    });
    runner.once(EVENT_RUN_END, () => {
      const file = process.env.TEST_COUNTS_FILE;
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      if (file) appendFileSync(file, `${JSON.stringify({ passed, failed, skipped, failures })}\n`);
    });
  }
}
