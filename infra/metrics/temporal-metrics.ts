import type { MetricsBuffer } from '@temporalio/worker';
import { Counter, type Registry } from 'prom-client';

const failedTasks = 'temporal_workflow_task_execution_failed';
/** The buffer takes far longer than this to fill under full load. Updates that do not fit into it are lost. */
const drainIntervalMs = 1000;

/**
 * Counts the workflow tasks that failed in this process, whatever the cause. Each means that a workflow is stuck until
 * code that is compatible with its history is deployed, although Temporal lists it as running. The other metrics of the
 * SDK are discarded.
 */
export function addTemporalMetrics(registry: Registry, buffer: Pick<MetricsBuffer, 'retrieveUpdates'>): void {
  const failures = new Counter({
    name: 'workflow_task_failures_total',
    help: 'Workflow tasks that failed in this process; their workflows make no progress',
    registers: [registry],
    collect: drain,
  });
  function drain(): void {
    for (const { metric, value } of buffer.retrieveUpdates()) if (metric.name === failedTasks) failures.inc(value);
  }
  setInterval(drain, drainIntervalMs).unref();
}
