import { Worker, type NativeConnection } from '@temporalio/worker';
import { taskQueues } from '../../../workflows/contract/messages.js';
import type { ProcessorActivities } from '../../../workflows/contract/activities.js';

/** Runs the processor's activities; workflow code runs in the order API's worker only. */
export function createProcessorWorker(
  connection: NativeConnection,
  namespace: string,
  activities: ProcessorActivities,
) {
  return Worker.create({
    connection,
    namespace,
    taskQueue: taskQueues.processor,
    activities,
    maxConcurrentActivityTaskExecutions: 100,
    maxConcurrentActivityTaskPolls: 10,
    // An activity that is publishing at the time of a stop gets to its confirm instead of being cut off.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '12 seconds',
  });
}
