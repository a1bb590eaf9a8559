import { join } from 'node:path';
import { rmSync, writeFileSync } from 'node:fs';
import { describeMachine } from '../bench/report.js';
import { faultResults, readFaults } from '../faults/fault-results.js';
import { countsLine, exitCodeOf } from './counts.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { runTests } from './run-tests.js';
import { onStopRequest } from './stop-request.js';

// `npm run test:faults [-- arguments for mocha]` injects every fault that the system is said to survive. CHAOS_SEED
// repeats the random part. The results are written to fault-results/. The last line is the count.
const stop = onStopRequest(() => process.exit(1));
const directory = join(repositoryRoot, 'fault-results');
const linesFile = join(directory, 'faults.jsonl');
rmSync(linesFile, { force: true });
const began = new Date();
const { processor, memory, commit } = describeMachine({});
const counts = await runTests({
  suite: 'faults',
  args: process.argv.slice(3),
  environment: { TEST_FAULTS_FILE: linesFile },
  stop,
});
const faults = readFaults(linesFile);
if (faults.length > 0) {
  const page = join(directory, 'fault-results.md');
  const minutes = Math.ceil((Date.now() - began.getTime()) / 60_000);
  const facts = { date: began.toISOString().slice(0, 10), commit: String(commit), minutes };
  writeFileSync(page, faultResults(faults, { ...facts, machine: `${processor}, ${memory}` }));
  console.log(`results of ${faults.length} faults written to ${page}`);
}
console.log(countsLine(counts));
process.exit(exitCodeOf(counts));
