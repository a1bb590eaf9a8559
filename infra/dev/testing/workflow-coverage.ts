import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import type { WorkerOptions } from '@temporalio/worker';

const directory = fileURLToPath(new URL('../../../coverage/workflows', import.meta.url));
const wanted = process.env['TEST_COVERAGE'] === 'true';
const holder = globalThis as { __coverage__?: unknown };
// Temporal's tool does nothing unless this global exists, which nyc would create.
if (wanted) holder.__coverage__ ??= {};
const coverage = new WorkflowCoverage();

/**
 * Collects the coverage of workflow code. Workflow code runs in a sandbox that V8's coverage of the process does not
 * see, so Temporal's tool instruments the bundle instead. Without TEST_COVERAGE=true this does nothing.
 */
export const workflowCoverage = {
  augment: (options: WorkerOptions & { workflowsPath: string }): WorkerOptions =>
    wanted ? coverage.augmentWorkerOptions(options) : options,
  /** Writes the coverage collected so far to `coverage/workflows/coverage-final.json`, in Istanbul's format. */
  save: (): void => {
    if (!wanted) return;
    coverage.mergeIntoGlobalCoverage();
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/coverage-final.json`, JSON.stringify(holder.__coverage__));
  },
};
