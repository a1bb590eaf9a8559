import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readAddresses } from '../operations/addresses.js';
import { openLiveSystem } from '../operations/live-system.js';
import { verify, type VerifyOptions } from '../operations/verify.js';
import { linesOfVerdicts } from '../operations/verify-report.js';
import { loadDotEnv } from '../runtime/environment.js';
import { installTemporalRuntime } from '../temporal/runtime.js';
import { silentLogger } from '../testing/silent-logger.js';
import { ExpectedError } from './expected-error.js';

// `npm run verify [-- --wait SECONDS] [--accepted FILE]`: does every promise hold for a running system? The one that
// `npm start` runs here, or the one whose addresses the environment has. Exits with 1 when one does not.

const usage = 'usage: npm run verify [-- [--wait SECONDS] [--accepted FILE, one order id a line]]';
const mostWaitSeconds = 86_400;

loadDotEnv();
installTemporalRuntime(silentLogger);
const options = readOptions(process.argv.slice(3));
const system = await openLiveSystem(readAddresses(process.env), silentLogger);
try {
  const verdicts = await verify(system, options);
  for (const line of linesOfVerdicts(verdicts)) console.log(line);
  process.exitCode = verdicts.every(({ faults }) => faults === 0) ? 0 : 1;
} finally {
  await system.close();
}
process.exit();

function readOptions(args: string[]): VerifyOptions {
  try {
    const { values } = parseArgs({ args, options: { wait: { type: 'string' }, accepted: { type: 'string' } } });
    const seconds = Number(values.wait ?? '0');
    if (!(seconds >= 0 && seconds <= mostWaitSeconds)) throw new Error('--wait takes seconds, at most a day');
    const accepted = values.accepted === undefined ? undefined : linesOf(values.accepted);
    return { waitMs: seconds * 1000, accepted };
  } catch (error) {
    throw new ExpectedError(`${(error as Error).message}\n${usage}`);
  }
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split(/\r?\n/).filter(Boolean);
}
