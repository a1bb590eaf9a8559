import { runTool } from '../processes/run-tool.js';
import { onStopRequest } from './stop-request.js';

// `npm run spec` prints the titles of all tests, which read as the specification of the system. It runs no test.

const everyTest = '{order-api,processor,workflows,infra}/**/*.test.ts';
const stop = onStopRequest(() => process.exit(1));
// The configuration files are left out, since their lists of tests and servers are meant for runs.
const args = ['--no-config', '--node-option', 'import=tsx', '--dry-run', '--reporter', 'spec', '--sort', everyTest];
process.exit(await runTool('mocha', args, { environment: { TEST_SERVERS: 'none', FORCE_COLOR: '0' }, stop }));
