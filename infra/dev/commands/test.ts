import { countsLine, exitCodeOf } from './counts.js';
import { runTests } from './run-tests.js';
import { onStopRequest } from './stop-request.js';

// `npm test [-- arguments for mocha]` runs every test, with coverage. The last line is the count.
const stop = onStopRequest(() => process.exit(1));
const counts = await runTests({ suite: 'all', args: process.argv.slice(3), stop });
console.log(countsLine(counts));
process.exit(exitCodeOf(counts));
