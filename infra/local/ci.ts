import { addCounts, countsLine, exitCodeOf } from './counts.js';
import { runTests } from './run-tests.js';
import { runStaticChecks } from './static-checks.js';
import { onStopRequest } from './stop-request.js';

// What .ci/run runs: each static check counts as one, every test as one. The last line is the sum.
const stop = onStopRequest(() => process.exit(1));
const checks = await runStaticChecks(stop);
console.log('--- tests');
const tests = await runTests({ unitOnly: false, args: [], stop });
console.log(`static checks: ${countsLine(checks)}; tests: ${countsLine(tests)}`);
// Passed checks alone do not make a good run: if no test ran, that is a failure.
const nothingRan = tests.passed + tests.failed === 0 ? 1 : 0;
const sum = addCounts(checks, tests, { passed: 0, failed: nothingRan, skipped: 0 });
console.log(countsLine(sum));
process.exit(exitCodeOf(sum));
