import { Worker } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';

// An order API that loads this first behaves like the next release, whose workflow code has changed.
const workflowsPath = fileURLToPath(
  new URL('../../../workflows/histories/patched-order-lifecycle.ts', import.meta.url),
);
const create = Worker.create.bind(Worker);
Worker.create = (options) => create({ ...options, workflowBundle: undefined, workflowsPath });
