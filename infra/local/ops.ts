import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { readAddresses } from '../operations/addresses.js';
import { runOperation, usage, type OperationRequest } from '../operations/commands.js';
import { openLiveSystem } from '../operations/live-system.js';
import { loadDotEnv } from '../runtime/environment.js';
import { installTemporalRuntime } from '../temporal/runtime.js';
import { silentLogger } from '../testing/silent-logger.js';
import { ExpectedError } from './expected-error.js';

// `npm run ops -- COMMAND`: looks at a running system and sets right what needs a person. The system that `npm start`
// runs here, or the one whose addresses the environment has.

loadDotEnv();
const request = readRequest(process.argv.slice(3));
installTemporalRuntime(silentLogger);
const addresses = readAddresses(process.env);
const system = await openLiveSystem(addresses, silentLogger);
try {
  const { lines, found } = await runOperation(system, request);
  for (const line of lines) console.log(line);
  process.exitCode = found ? 0 : 1;
} finally {
  await system.close();
}
process.exit();

function readRequest(args: string[]): OperationRequest {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        all: { type: 'boolean' },
        type: { type: 'string' },
        reason: { type: 'string' },
        by: { type: 'string' },
      },
    });
    return {
      words: positionals,
      all: values.all ?? false,
      type: values.type,
      reason: values.reason,
      by: values.by ?? userInfo().username,
    };
  } catch (error) {
    throw new ExpectedError(`${(error as Error).message}\n${usage}`);
  }
}
