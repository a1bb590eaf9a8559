import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { taskQueues } from '../../../workflows/contract/messages.js';
import type { OrderApiActivities } from '../../../workflows/contract/activities.js';

/** A build contains the bundled workflow code; when run from source, the code is bundled at startup. */
const bundle = fileURLToPath(new URL('../../../workflow-bundle.js', import.meta.url));
const source = fileURLToPath(new URL('../../../workflows/order-lifecycle.ts', import.meta.url));
const workflowCode = existsSync(bundle) ? { workflowBundle: { codePath: bundle } } : { workflowsPath: source };

/** Runs the order workflows and the order API's activities. It must share the client's connection for eager starts. */
export function createOrderApiWorker(connection: NativeConnection, namespace: string, activities: OrderApiActivities) {
  return Worker.create({
    connection,
    namespace,
    taskQueue: taskQueues.orderApi,
    ...workflowCode,
    activities,
    // The first workflow task of an order waits up to 3 s for the outcome: it holds a slot but uses no CPU.
    maxConcurrentWorkflowTaskExecutions: 500,
    maxConcurrentLocalActivityExecutions: 500,
    maxConcurrentActivityTaskExecutions: 100,
    // With fewer pollers, tasks wait for a free poll: measured elsewhere, going from 1 to 10 pollers raised throughput
    // from 41 to 287 workflows/s.
    maxConcurrentWorkflowTaskPolls: 10,
    maxConcurrentActivityTaskPolls: 10,
    // Gives an activity that is publishing during a stop time to receive its confirm.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '12 seconds',
  });
}
