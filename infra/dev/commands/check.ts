import { countsLine, exitCodeOf } from './counts.js';
import { runStaticChecks } from './static-checks.js';
import { onStopRequest } from './stop-request.js';

// `npm run check` runs every static check: types, lint, format, layers, dead code and more. The last line is the count.
const counts = await runStaticChecks(onStopRequest(() => process.exit(1)));
console.log(countsLine(counts));
process.exit(exitCodeOf(counts));
