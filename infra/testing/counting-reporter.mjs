import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

/** Mocha's own `spec` output, plus one JSON line of real counts into TEST_COUNTS_FILE for whoever adds them up. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env.TEST_COUNTS_FILE;
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      if (file) appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
    });
  }
}
