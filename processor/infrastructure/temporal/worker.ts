import { Worker, type NativeConnection } from '@temporalio/worker';
import { taskQueues } from '../../../workflows/contract/messages.js';
import type { ProcessorActivities } from '../../../workflows/contract/activities.js';

/** Runs the processor's activities; workflow code runs only in the order API's worker. */
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
    // Gives an activity that is publishing during a stop time to receive its confirm.
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '12 seconds',
  });
}
