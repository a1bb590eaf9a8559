import type { TestNamespace } from '../testing/test-namespace.js';

const sampleSize = 50;

/** The number of open workflows, and the ids of up to 50 of them. */
export interface OpenWorkflows {
  readonly open: number;
  readonly workflowIds: readonly string[];
}

interface WithTemporal {
  readonly temporal: TestNamespace;
}

/** Counts the workflows that are open now, and samples up to 50 of them. */
export async function sampleOpenWorkflows({ temporal }: WithTemporal): Promise<OpenWorkflows> {
  const query = 'ExecutionStatus="Running"';
  const { count } = await temporal.client.workflow.count(query);
  const workflowIds: string[] = [];
  for await (const { workflowId } of temporal.client.workflow.list({ query, pageSize: sampleSize })) {
    workflowIds.push(workflowId);
    if (workflowIds.length === sampleSize) break;
  }
  return { open: count, workflowIds };
}

/**
 * Returns the sum of the state transitions of these workflows so far. A list reports them for closed workflows only, so
 * each workflow is described.
 */
export async function countTransitions(
  { temporal }: WithTemporal,
  { workflowIds }: Pick<OpenWorkflows, 'workflowIds'>,
): Promise<number> {
  let transitions = 0;
  for (const workflowId of workflowIds) {
    const { raw } = await temporal.client.workflow.getHandle(workflowId).describe();
    transitions += Number(raw.workflowExecutionInfo?.stateTransitionCount ?? 0);
  }
  return transitions;
}
