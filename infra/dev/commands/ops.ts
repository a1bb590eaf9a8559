import { withLocalAddresses } from '../servers/address-file.js';
import { loadDotEnv } from '../../runtime/environment.js';

// `npm run ops -- COMMAND` operates on the system that `npm start` runs here, or on the one whose addresses are set.

loadDotEnv();
const args = process.argv.slice(3);
// Help needs no running system.
const asksForHelp = args.length === 0 || args.some((arg) => ['--help', '-h', 'help'].includes(arg));
if (!asksForHelp) Object.assign(process.env, withLocalAddresses(process.env));
process.argv.splice(2, process.argv.length, ...args);
await import('../../operations/main.js');
