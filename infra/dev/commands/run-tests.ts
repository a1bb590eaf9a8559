import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCounts, noCounts, readCounts, type Counts } from './counts.js';
import { reportWorkflowCoverage } from '../testing/report-workflow-coverage.js';
import { sweepComposeProjects } from '../compose/compose-project.js';
import { sweepTestContainers } from '../testing/test-containers-sweep.js';
import { sweepTestDirectories } from '../processes/server-directory.js';
import { killAll, processesWith } from '../processes/process-tree.js';
import { runTool } from '../processes/run-tool.js';

/** How each suite is run. Each brings its own servers. */
const suites = {
  /** Every test but those of the composed system, with coverage. */
  all: { tool: 'c8', args: ['mocha'], environment: { TEST_COVERAGE: 'true' } },
  /** The tests that need no server. */
  unit: {
    tool: 'mocha',
    args: ['int', 'e2e', 'faults'].flatMap((kind) => ['--ignore', `**/*.${kind}.test.ts`]),
    environment: { TEST_SERVERS: 'none' },
  },
  /** The tests that need servers, on Testcontainers. */
  containers: {
    tool: 'mocha',
    args: ['--config', 'infra/dev/testing/mocharc.containers.json'],
    environment: { TEST_SERVERS: 'containers' },
  },
  /** Every fault that the system is said to survive. */
  faults: { tool: 'mocha', args: ['--config', 'infra/dev/faults/mocharc.json'], environment: { TEST_FAULTS: 'full' } },
  /** The composed system, tested from outside. */
  compose: { tool: 'mocha', args: ['--config', 'infra/dev/compose/mocharc.json'], environment: {} },
} as const satisfies Record<string, { tool: string; args: readonly string[]; environment: NodeJS.ProcessEnv }>;

/** Marks every process that a run starts, since an interrupted run does not reach the hooks that stop its services. */
const runVariable = 'TEST_RUN_ID';

export type SuiteName = keyof typeof suites;

export interface TestRun {
  suite: SuiteName;
  /** Passed on to mocha. */
  args?: readonly string[];
  /** Added to the suite's own. */
  environment?: NodeJS.ProcessEnv;
  stop: AbortSignal;
}

/**
 * Runs mocha once and returns what its reporter counted. If mocha fails although no counted test did, that counts as
 * one failure. Mocha's own process starts the servers; if it could not stop them, they are killed here.
 */
export async function runTests({ suite, args = [], environment, stop }: TestRun): Promise<Counts> {
  try {
    const { tool, args: own, environment: ownEnvironment } = suites[suite];
    const { exitCode, counts } = await runMocha(tool, [...own, ...args], { ...ownEnvironment, ...environment }, stop);
    if (suite === 'all') await reportWorkflowCoverage();
    if (exitCode === 0 || counts.failed > 0) return counts;
    const failure = `the test run exited with code ${exitCode} although no test failed; this counts as one failure`;
    console.log(failure);
    return addCounts(counts, { ...noCounts, failed: 1, failures: [failure] });
  } finally {
    await sweepTestDirectories(console.log);
    if (suite !== 'unit') await sweepTestContainers(console.log);
    if (suite === 'compose') await sweepComposeProjects(console.log);
  }
}

/** Counts every test of a suite that cannot run here as skipped, without running any. */
export async function skipTests(suite: SuiteName, stop: AbortSignal): Promise<Counts> {
  const environment = { TEST_SERVERS: 'none' };
  const { counts } = await runMocha('mocha', [...suites[suite].args, '--dry-run'], environment, stop);
  return { ...noCounts, skipped: counts.passed + counts.failed + counts.skipped };
}

async function runMocha(tool: string, args: readonly string[], environment: NodeJS.ProcessEnv, stop: AbortSignal) {
  const directory = mkdtempSync(join(tmpdir(), 'test-counts-'));
  const file = join(directory, 'counts.jsonl');
  const run = randomUUID();
  try {
    const marked = { ...environment, TEST_COUNTS_FILE: file, [runVariable]: run };
    const exitCode = await runTool(tool, args, { environment: marked, stop, worker: 'mocha/lib/cli' });
    return { exitCode, counts: readCounts(file) };
  } finally {
    await killAll(processesWith(runVariable, run));
    rmSync(directory, { recursive: true, force: true });
  }
}
