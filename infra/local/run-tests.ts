import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCounts, noCounts, readCounts, type Counts } from './counts.js';
import { reportWorkflowCoverage } from '../testing/report-workflow-coverage.js';
import { sweepTestContainers } from '../testing/test-containers-sweep.js';
import { sweepTestInstances } from './instance.js';
import { runTool } from './run-tool.js';

export interface TestRun {
  /** Without servers: only the tests that need none, without coverage. */
  unitOnly: boolean;
  /** Passed on to mocha. */
  args: readonly string[];
  stop: AbortSignal;
}

/**
 * Runs mocha once and returns what its reporter counted; an end with an error that no counted failure explains is
 * one failure more. Mocha's own process starts the servers; if it could not stop them, they are stopped here.
 */
export async function runTests({ unitOnly, args, stop }: TestRun): Promise<Counts> {
  const directory = mkdtempSync(join(tmpdir(), 'test-counts-'));
  const file = join(directory, 'counts.jsonl');
  const environment = {
    TEST_COUNTS_FILE: file,
    ...(unitOnly ? { TEST_SERVERS: 'none' } : { TEST_COVERAGE: 'true' }),
  };
  try {
    const options = { environment, stop, worker: 'mocha/lib/cli' };
    const exitCode = unitOnly
      ? await runTool('mocha', ['--ignore', '**/*.int.test.ts', '--ignore', '**/*.e2e.test.ts', ...args], options)
      : await runTool('c8', ['mocha', ...args], options);
    if (!unitOnly) await reportWorkflowCoverage();
    const counts = readCounts(file);
    if (exitCode === 0 || counts.failed > 0) return counts;
    console.log(`the test run ended with code ${exitCode} though no test failed: counted as one failure`);
    return addCounts(counts, { ...noCounts, failed: 1 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await sweepTestInstances(console.log);
    if (!unitOnly) await sweepTestContainers(console.log);
  }
}
