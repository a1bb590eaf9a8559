import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { repositoryRoot } from './instance.js';
import { runTool } from './run-tool.js';
import { onStopRequest } from './stop-request.js';

// `npm run build`: what production runs, in dist/. JavaScript of both services, their migrations, and the workflow code
// bundled beforehand, so that a worker needs neither TypeScript nor a bundler at its start.

const dist = join(repositoryRoot, 'dist');
const migrations = [
  'infra/messaging/migrations',
  'order-api/infrastructure/postgres/migrations',
  'processor/infrastructure/postgres/migrations',
];

const stop = onStopRequest(() => process.exit(1));
rmSync(dist, { recursive: true, force: true });
const exitCode = await runTool('tsc', ['--project', 'tsconfig.build.json'], { stop });
if (exitCode !== 0) process.exit(exitCode);
for (const directory of migrations) {
  mkdirSync(dirname(join(dist, directory)), { recursive: true });
  cpSync(join(repositoryRoot, directory), join(dist, directory), { recursive: true });
}
const { code } = await bundleWorkflowCode({ workflowsPath: join(repositoryRoot, 'workflows/order-lifecycle.ts') });
writeFileSync(join(dist, 'workflow-bundle.js'), code);
console.log(`built ${dist}`);
process.exit(0);
