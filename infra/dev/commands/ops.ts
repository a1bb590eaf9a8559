import { withLocalAddresses } from '../servers/address-file.js';
import { exitCodes } from '../../operations/cli.js';
import { CliError } from '../../runtime/cli-error.js';
import { loadDotEnv } from '../../runtime/environment.js';

// `npm run ops -- COMMAND` operates on the system that `npm start` runs here, or on the one whose addresses are set.

loadDotEnv();
const args = process.argv.slice(3);
// Help needs no running system.
const asksForHelp = args.length === 0 || args.some((arg) => ['--help', '-h', 'help'].includes(arg));
try {
  if (!asksForHelp) Object.assign(process.env, withLocalAddresses(process.env));
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  console.error(error.message);
  process.exit(exitCodes.failed);
}
process.argv.splice(2, process.argv.length, ...args);
await import('../../operations/main.js');
