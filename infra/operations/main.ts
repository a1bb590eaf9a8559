import { userInfo } from 'node:os';
import { CliError } from '../runtime/cli-error.js';
import { loadDotEnv } from '../runtime/environment.js';
import { createLogger } from '../runtime/logger.js';
import { installTemporalRuntime } from '../temporal/runtime.js';
import { readAddresses } from './addresses.js';
import { exitCodes, runCli } from './cli.js';
import { openLiveSystem } from './live-system.js';

// `node infra/operations/main.js COMMAND` inspects a running system and repairs what needs an operator. The addresses
// of the system come from the environment; see .env.example. `--help` works at every level.

loadDotEnv();
// Commands print their own output to the terminal, and log lines of the libraries would interrupt it.
const logger = createLogger('operations', 'silent');
try {
  installTemporalRuntime(logger);
  process.exitCode = await runCli(process.argv.slice(2), {
    openSystem: () => openLiveSystem(readAddresses(process.env), logger),
    print: (line) => console.log(line),
    userName: userInfo().username,
  });
} catch (error) {
  console.error(error instanceof CliError ? error.message : error);
  process.exitCode = exitCodes.failed;
}
process.exit();
