import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import proto from '@temporalio/proto';
import { searchAttributes } from '../../workflows/messages.js';
import { inParallel } from './in-parallel.js';

/** One run of a workflow, as Temporal lists it. */
export interface WorkflowRecord {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: string;
  readonly stage: string;
  readonly orderIds: readonly string[];
  readonly startedAt: Date;
  readonly closedAt: Date | undefined;
}

const { EventType, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;
const pageSize = 1000;
const readAtOnce = 20;

/** The runs that this query finds, among those of orders; the newest first. */
export async function* listWorkflows(temporal: Client, query?: string): AsyncGenerator<WorkflowRecord> {
  const ours = 'WorkflowType = "orderLifecycle"';
  const options = { query: query === undefined ? ours : `${ours} AND ${query}`, pageSize };
  for await (const info of temporal.workflow.list(options)) yield toRecord(info);
}

/**
 * Reads the histories of these runs and tells, for each in which a workflow task found that its code does not fit its
 * history, what was said. A workflow that is stuck like that is open, and looks as if it waited.
 */
export async function nonDeterminismIn(temporal: Client, runs: readonly WorkflowRecord[]): Promise<string[]> {
  const found: string[] = [];
  await inParallel(runs, readAtOnce, async ({ workflowId, runId }) => {
    const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const event of events ?? []) {
      if (event.eventType !== EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) continue;
      const failed = event.workflowTaskFailedEventAttributes;
      const cause = failed?.cause;
      if (cause !== WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR) continue;
      found.push(`${workflowId} (run ${runId}): ${failed?.failure?.message ?? 'no message'}`);
    }
  });
  return found;
}

function toRecord(info: WorkflowExecutionInfo): WorkflowRecord {
  const { workflowId, runId, status, startTime, closeTime } = info;
  const stage = info.typedSearchAttributes.get(searchAttributes.orderStage) ?? 'unknown';
  const orderIds = info.typedSearchAttributes.get(searchAttributes.orderId) ?? [];
  return { workflowId, runId, status: status.name, stage, orderIds, startedAt: startTime, closedAt: closeTime };
}
