import { activityInfo } from '@temporalio/activity';
import { workflowIdHeader } from './order-events.js';

/** Headers for what the activity that calls this publishes: which workflow it does so for. */
export function publishingHeaders(): Record<string, string> {
  const workflowId = activityInfo().workflowExecution?.workflowId;
  return workflowId === undefined ? {} : { [workflowIdHeader]: workflowId };
}
