import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBench } from '../bench/bench.js';
import { tableOf, writeResults } from '../bench/report.js';
import { verdictOf } from '../bench/row.js';
import { installTemporalRuntime } from '../temporal/runtime.js';
import { silentLogger } from '../testing/silent-logger.js';
import { provideTestServers } from '../testing/test-servers.js';
import { repositoryRoot } from './instance.js';
import { startServers } from './local-servers.js';
import { runTool } from './run-tool.js';
import { onStopRequest } from './stop-request.js';

// `npm run bench [-- --quick | --soak] [-- --only 3,5]`: figures, each beside a reference from the same run. About 10
// minutes; --quick 2, --soak 25. Writes bench-results/. Fails when a target is missed or a run was invalid.

const began = Date.now();
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { quick: { type: 'boolean' }, soak: { type: 'boolean' }, only: { type: 'string' } },
});
const kind = values.soak ? 'soak' : values.quick ? 'quick' : 'full';
const only = values.only?.split(',').map(Number);
const stop = onStopRequest(() => process.exit(1));

report('compiling what production runs');
if ((await runTool('tsx', [join(repositoryRoot, 'infra/local/build.ts')], { stop })) !== 0) process.exit(1);
installTemporalRuntime(silentLogger);
const servers = await startServers({
  instance: 'test',
  report,
  signal: stop,
  postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
});
stop.addEventListener('abort', () => void servers.stop(), { once: true });
try {
  provideTestServers({ ...servers, source: 'local' });
  const results = await runBench(servers, { kind, only, report, stop });
  const directory = join(repositoryRoot, 'bench-results');
  writeResults(directory, results);
  console.log(`\n${tableOf(results.findings)}\n`);
  for (const { row, reason } of results.invalid) console.log(`INVALID ${row}: ${reason}`);
  report(`written to ${directory}`);
  process.exitCode =
    results.invalid.length === 0 && results.findings.every((finding) => verdictOf(finding) !== 'MISSED') ? 0 : 1;
} finally {
  await servers.stop();
}
process.exit();

function report(line: string): void {
  console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}`);
}
