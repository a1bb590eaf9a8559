import { addCounts, countsLine, exitCodeOf, noCounts, type Counts } from './counts.js';
import { provideDocker } from '../servers/docker-engine.js';
import { runTests, skipTests, type SuiteName } from './run-tests.js';
import { runStaticChecks } from './static-checks.js';
import { onStopRequest } from './stop-request.js';

// What .ci/run runs: each static check counts as one, every test as one. What failed is named again at the end, for
// logs of which only the end is kept; the last line is the sum.
const stop = onStopRequest(() => process.exit(1));
const inDocker: readonly SuiteName[] = ['containers', 'compose'];

const checks = await runStaticChecks(stop);
console.log('--- tests, on local servers');
const local = await runTests({ suite: 'all', environment: { TEST_SERVERS: 'local' }, stop });
const docker = await runDockerTests();
// Passed checks alone do not make a good run: if no test ran, that is a failure.
const nothingRan: Counts = { ...noCounts, failed: 1, failures: ['no test ran'] };
const sum = addCounts(checks, local, docker, local.passed + local.failed === 0 ? nothingRan : noCounts);

for (const failure of sum.failures) console.log(`failed: ${failure}`);
console.log(
  `static checks: ${countsLine(checks)}; local tests: ${countsLine(local)}; in Docker: ${countsLine(docker)}`,
);
console.log(countsLine(sum));
process.exit(exitCodeOf(sum));

/** The tests on Testcontainers and of the compose file; skipped, and counted so, where there is no Docker. */
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
