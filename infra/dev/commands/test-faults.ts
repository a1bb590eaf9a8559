import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { writeFaultTable } from '../faults/fault-table.js';
import { countsLine, exitCodeOf } from './counts.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { runTests } from './run-tests.js';
import { onStopRequest } from './stop-request.js';

// `npm run test:faults [-- arguments for mocha]` injects every fault that the system is said to survive. CHAOS_SEED
// repeats the random part. The results are written to fault-results/. The last line is the count.
const stop = onStopRequest(() => process.exit(1));
const directory = join(repositoryRoot, 'fault-results');
const file = join(directory, 'faults.jsonl');
rmSync(file, { force: true });
const counts = await runTests({
  suite: 'faults',
  args: process.argv.slice(3),
  environment: { TEST_FAULTS_FILE: file },
  stop,
});
console.log(`table of faults written to ${writeFaultTable(file, directory)}`);
console.log(countsLine(counts));
process.exit(exitCodeOf(counts));
