import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import proto from '@temporalio/proto';
import { searchAttributes } from '../../workflows/contract/messages.js';
import { clip } from '../runtime/printable.js';
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
const maxMessageLength = 300;

/** Lists the runs of order workflows that match the query, the newest first. Without a query it lists all of them. */
export async function* listWorkflows(temporal: Client, query?: string): AsyncGenerator<WorkflowRecord> {
  const orderWorkflows = 'WorkflowType = "orderLifecycle"';
  const options = { query: query === undefined ? orderWorkflows : `${orderWorkflows} AND ${query}`, pageSize };
  for await (const info of temporal.workflow.list(options)) yield toRecord(info);
}

/**
 * Reads the histories of these runs and describes each workflow task that failed because the code does not fit the
 * history. A workflow that is stuck like that is open and looks as if it were waiting.
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

/** An open workflow whose current task has failed at least once. It makes no progress until an attempt succeeds. */
export interface FailingWorkflow {
  readonly run: WorkflowRecord;
  readonly failures: number;
  /** The message of the first of these failures; undefined when the history has none. */
  readonly message: string | undefined;
}

/**
 * Returns the open runs whose workflow task fails, whatever the cause: code that does not fit the history, or a signal
 * that the code cannot read. Temporal retries the task indefinitely, records only the first failure, and lists the
 * workflow as running.
 */
export async function failingAmong(temporal: Client, runs: readonly WorkflowRecord[]): Promise<FailingWorkflow[]> {
  const found: FailingWorkflow[] = [];
  const open = runs.filter(({ status }) => status === 'RUNNING');
  await inParallel(open, readAtOnce, async (run) => {
    const handle = temporal.workflow.getHandle(run.workflowId, run.runId);
    try {
      const { raw } = await handle.describe();
      const failures = (raw.pendingWorkflowTask?.attempt ?? 1) - 1;
      if (failures < 1) return;
      const { events } = await handle.fetchHistory();
      const last = events?.findLast(({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED);
      found.push({ run, failures, message: last?.workflowTaskFailedEventAttributes?.failure?.message ?? undefined });
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // the workflow was deleted meanwhile
    }
  });
  return found;
}

/** Describes the failures for a report. */
export function failingText({ failures, message }: FailingWorkflow): string {
  const times = failures === 1 ? 'once' : `${failures} times`;
  return `its workflow task has failed ${times}${message ? `: ${clip(message, maxMessageLength)}` : ''}`;
}

function toRecord(info: WorkflowExecutionInfo): WorkflowRecord {
  const { workflowId, runId, status, startTime, closeTime } = info;
  const stage = info.typedSearchAttributes.get(searchAttributes.orderStage) ?? 'unknown';
  const orderIds = info.typedSearchAttributes.get(searchAttributes.orderId) ?? [];
  return { workflowId, runId, status: status.name, stage, orderIds, startedAt: startTime, closedAt: closeTime };
}
