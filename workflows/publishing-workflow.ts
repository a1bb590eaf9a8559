import { activityInfo } from '@temporalio/activity';

/** The id of the workflow for which the activity that calls this publishes. @throws Error outside of an activity */
export function publishingWorkflow(): string {
  const { workflowExecution } = activityInfo();
  if (!workflowExecution) throw new Error('a publish activity was started by no workflow');
  return workflowExecution.workflowId;
}
