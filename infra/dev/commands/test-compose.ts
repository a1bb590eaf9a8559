import { countsLine, exitCodeOf } from './counts.js';
import { runTests } from './run-tests.js';
import { onStopRequest } from './stop-request.js';

// `npm run test:compose [-- arguments for mocha]` tests the composed system from outside. The last line is the count.
const stop = onStopRequest(() => process.exit(1));
const counts = await runTests({ suite: 'compose', args: process.argv.slice(3), stop });
console.log(countsLine(counts));
process.exit(exitCodeOf(counts));
