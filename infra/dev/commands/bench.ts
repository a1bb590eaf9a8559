import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBench, scenarioNames, type BenchOptions } from '../bench/bench.js';
import { peersReport } from '../bench/peers/report.js';
import { tableOf, writeResults } from '../bench/report.js';
import { targetResultOf } from '../bench/scenario.js';
import { installTemporalRuntime } from '../../temporal/runtime.js';
import { testLogger } from '../testing/test-logger.js';
import { provideTestServers } from '../testing/test-servers.js';
import { addressVariables } from '../../operations/addresses.js';
import { CliError } from '../../runtime/cli-error.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { startServers, type LocalServers } from '../servers/local-servers.js';
import { killAll, processesOfDirectory } from '../processes/process-tree.js';
import { runTool } from '../processes/run-tool.js';
import { onStopRequest } from './stop-request.js';
import { timedPrint } from './timed-print.js';

// `npm run bench [-- --quick | --soak [--soak-minutes 20] | --only burst,settling | --peers | --absence]` measures the
// system, each figure beside a reference from the same run. It takes about 10 minutes, --quick 2½, --soak 25. --peers
// (9 minutes, with --quick 2½) measures this system beside its alternatives; their packages, 240 MB, are downloaded
// into the user's cache on first use. --absence stops the processor in each mode, for an hour each unless told
// otherwise. The results are written to bench-results/. The command fails if a target is missed or a run is invalid.

const usage = `usage: npm run bench [-- --quick | --soak [--soak-minutes 20] | --only ${scenarioNames.join(',')}]
       npm run bench -- --peers [--quick]    compares with DBOS, Restate and an outbox library; 240 MB on first use
       npm run bench -- --absence [--absence-minutes 60] [--absence-orders 20000]`;
const print = timedPrint();
const options = readOptions(process.argv.slice(3));
const stop = onStopRequest(() => process.exit(1));

print('compiling the services as production runs them');
if ((await runTool('tsx', [join(repositoryRoot, 'infra/dev/commands/build.ts')], { stop })) !== 0) process.exit(1);
installTemporalRuntime(testLogger);
const servers = await startServers({
  serverDirectory: 'test',
  // Servers from the environment are never used: they would be measured, and filled with orders.
  environment: Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !(addressVariables as readonly string[]).includes(name)),
  ),
  print,
  signal: stop,
  postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
});
try {
  await Promise.race([measure(servers), interrupted(stop)]);
} finally {
  await servers.stop();
  // Services and references that a failure or an interrupt left running carry the server directory's mark.
  await killAll(processesOfDirectory(servers.serverDirectory.path));
}
process.exit();

async function measure(running: LocalServers): Promise<void> {
  provideTestServers({ ...running, source: 'local' });
  const results = await runBench(running, { ...options, print, stop });
  const directory = join(repositoryRoot, 'bench-results');
  writeResults(directory, results);
  if (results.measurements.length > 0) console.log(`\n${tableOf(results.measurements)}\n`);
  if (results.peers?.length) console.log(`\n${peersReport(results.peers)}\n`);
  for (const { scenario, reason } of results.invalid) console.log(`INVALID ${scenario}: ${reason}`);
  print(`results written to ${directory}`);
  process.exitCode =
    results.invalid.length === 0 &&
    results.measurements.every((measurement) => targetResultOf(measurement) !== 'MISSED')
      ? 0
      : 1;
}

/** Resolves when a stop is requested; the measurement in progress is then abandoned. */
function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      print(`stopping (${String(signal.reason)}); no results are written`);
      process.exitCode = 1;
      resolve();
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}

function readOptions(args: string[]): Pick<BenchOptions, 'kind' | 'only' | 'peers' | 'soakMinutes' | 'absence'> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        quick: { type: 'boolean' },
        soak: { type: 'boolean' },
        'soak-minutes': { type: 'string' },
        only: { type: 'string' },
        peers: { type: 'boolean' },
        absence: { type: 'boolean' },
        'absence-minutes': { type: 'string' },
        'absence-orders': { type: 'string' },
      },
    });
    const only = values.only?.split(',');
    if (only?.some((name) => !scenarioNames.includes(name))) {
      throw new Error(`--only takes one or more of these names, separated by commas: ${scenarioNames.join(', ')}`);
    }
    const minutes = values['soak-minutes'];
    const soakMinutes = minutes === undefined ? undefined : positive('--soak-minutes', minutes);
    if (values.absence) {
      const absenceMs = positive('--absence-minutes', values['absence-minutes'] ?? '60') * 60_000;
      const absenceOrders = Math.ceil(positive('--absence-orders', values['absence-orders'] ?? '20000'));
      return { kind: 'absence', absence: { absenceMs, absenceOrders } };
    }
    if (values.peers && (values.soak || only)) throw new Error('--peers can be combined with --quick only');
    return { kind: values.soak ? 'soak' : values.quick ? 'quick' : 'full', only, peers: values.peers, soakMinutes };
  } catch (error) {
    throw new CliError(`${(error as Error).message}\n${usage}`);
  }
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new Error(`${option} must be a number above 0`);
  return value;
}
