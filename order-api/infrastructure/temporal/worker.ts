import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { taskQueues } from '../../../workflows/contract/messages.js';
import type { OrderApiActivities } from '../../../workflows/contract/activities.js';

/** A build has the workflow code bundled beforehand; run from source, it is bundled at start. */
const bundle = fileURLToPath(new URL('../../../workflow-bundle.js', import.meta.url));
const source = fileURLToPath(new URL('../../../workflows/order-lifecycle.ts', import.meta.url));
const workflowCode = existsSync(bundle) ? { workflowBundle: { codePath: bundle } } : { workflowsPath: source };

/** Runs the order workflows and the order API's own activities. Needs the connection the client uses, to start eagerly. */
export function createOrderApiWorker(connection: NativeConnection, namespace: string, activities: OrderApiActivities) {
  return Worker.create({
    connection,
    namespace,
    taskQueue: taskQueues.orderApi,
    ...workflowCode,
    activities,
    // An order's first task waits for its outcome within the task, for 3 s at most: it holds a slot, and no CPU.
    maxConcurrentWorkflowTaskExecutions: 500,
    maxConcurrentLocalActivityExecutions: 500,
    maxConcurrentActivityTaskExecutions: 100,
    // With the default of 10 pollers or fewer, tasks wait for a poll to come round; measured 41 -> 287 workflows/s
    // elsewhere when going from 1 to 10.
    maxConcurrentWorkflowTaskPolls: 10,
    maxConcurrentActivityTaskPolls: 10,
    // An activity that is publishing at the time of a stop gets to its confirm instead of being cut off.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '12 seconds',
  });
}
