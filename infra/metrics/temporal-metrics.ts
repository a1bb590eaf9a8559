import type { MetricsBuffer } from '@temporalio/worker';
import { Counter, type Registry } from 'prom-client';

const failedTasks = 'temporal_workflow_task_execution_failed';
/** Far more often than a full load fills the buffer: what does not fit in is lost. */
const drainIntervalMs = 1000;

/**
 * Counts workflow tasks that failed in this process, whatever the cause: each is a workflow that does not get on until
 * somebody deploys code that fits, though Temporal lists it as running. Of all that the SDK measures this one is kept.
 */
export function addTemporalMetrics(registry: Registry, buffer: Pick<MetricsBuffer, 'retrieveUpdates'>): void {
  const failures = new Counter({
    name: 'workflow_task_failures_total',
    help: 'Workflow tasks that failed in this process: workflows that do not get on',
    registers: [registry],
    collect: drain,
  });
  function drain(): void {
    for (const { metric, value } of buffer.retrieveUpdates()) if (metric.name === failedTasks) failures.inc(value);
  }
  setInterval(drain, drainIntervalMs).unref();
}
