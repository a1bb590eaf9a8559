import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { repositoryRoot } from '../processes/server-directory.js';
import { runTool } from '../processes/run-tool.js';

const migrations = [
  'infra/messaging/migrations',
  'order-api/infrastructure/postgres/migrations',
  'processor/infrastructure/postgres/migrations',
];

export interface BuildOptions {
  /** Inside the repository, which has the dependencies. What is there is removed first. */
  directory: string;
  /** False saves a third of the compile; `npm run check` looks at the types anyway. */
  checkTypes: boolean;
  stop: AbortSignal;
}

/**
 * Makes what production runs: JavaScript of both services, their migrations, and the workflow code bundled beforehand, so
 * that a worker needs neither TypeScript nor a bundler at its start.
 * @throws Error when it does not compile; the compiler has said why
 */
export async function buildServices({ directory, checkTypes, stop }: BuildOptions): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  const args = ['--project', 'tsconfig.build.json', '--outDir', directory, ...(checkTypes ? [] : ['--noCheck'])];
  if ((await runTool('tsc', args, { stop })) !== 0) throw new Error('the services do not compile');
  for (const migration of migrations) {
    mkdirSync(dirname(join(directory, migration)), { recursive: true });
    cpSync(join(repositoryRoot, migration), join(directory, migration), { recursive: true });
  }
  const workflowsPath = join(repositoryRoot, 'workflows/order-lifecycle.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  writeFileSync(join(directory, 'workflow-bundle.js'), code);
}
