import { addCounts, countsLine, exitCodeOf, noCounts, type Counts } from './counts.js';
import { provideDocker } from '../servers/docker-engine.js';
import { runTests, skipTests, type SuiteName } from './run-tests.js';
import { runStaticChecks } from './static-checks.js';
import { onStopRequest } from './stop-request.js';

// The command of .ci/run. Each static check counts as one, and so does each test. Failures are listed again at the end,
// for logs of which only the end is kept. The last line is the sum.
const stop = onStopRequest(() => process.exit(1));
const inDocker: readonly SuiteName[] = ['containers', 'compose'];

const checks = await runStaticChecks(stop);
console.log('--- tests on local servers');
const local = await runTests({ suite: 'all', environment: { TEST_SERVERS: 'local' }, stop });
const docker = await runDockerTests();
// Passed checks alone do not make a successful run: if no test ran, that counts as a failure.
const nothingRan: Counts = { ...noCounts, failed: 1, failures: ['no test ran'] };
const sum = addCounts(checks, local, docker, local.passed + local.failed === 0 ? nothingRan : noCounts);

for (const failure of sum.failures) console.log(`failed: ${failure}`);
console.log(
  `static checks: ${countsLine(checks)}; local tests: ${countsLine(local)}; Docker tests: ${countsLine(docker)}`,
);
console.log(countsLine(sum));
process.exit(exitCodeOf(sum));

/** Runs the tests on Testcontainers and those of the compose file. Without Docker they are counted as skipped. */
async function runDockerTests(): Promise<Counts> {
  const counts: Counts[] = [];
  const engine = stop.aborted ? 'the run was interrupted' : await provideDocker(console.log, stop);
  if (typeof engine === 'string') {
    console.log(`--- tests in Docker are skipped: ${engine}`);
    for (const suite of inDocker) counts.push(await skipTests(suite, stop));
    return addCounts(...counts);
  }
  try {
    for (const suite of inDocker) {
      console.log(`--- tests in Docker: ${suite}`);
      counts.push(await runTests({ suite, stop }));
    }
    return addCounts(...counts);
  } finally {
    await engine.stop();
  }
}
