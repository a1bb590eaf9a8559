import { userInfo } from 'node:os';
import { loadDotEnv } from '../runtime/environment.js';
import { createLogger } from '../runtime/logger.js';
import { installTemporalRuntime } from '../temporal/runtime.js';
import { readAddresses } from './addresses.js';
import { exitCodes, runCli } from './cli.js';
import { openLiveSystem } from './live-system.js';

// `node infra/operations/main.js COMMAND`: looks at a running system and repairs what needs a person. The addresses of
// the system come from the environment; see .env.example. `--help` works at every level.

loadDotEnv();
// What a command has to say goes to the terminal by itself; the libraries' own lines would come in between.
const logger = createLogger('operations', 'silent');
try {
  installTemporalRuntime(logger);
  process.exitCode = await runCli(process.argv.slice(2), {
    openSystem: () => openLiveSystem(readAddresses(process.env), logger),
    print: (line) => console.log(line),
    userName: userInfo().username,
  });
} catch (error) {
  console.error((error as { expected?: boolean }).expected ? (error as Error).message : error);
  process.exitCode = exitCodes.failed;
}
process.exit();
