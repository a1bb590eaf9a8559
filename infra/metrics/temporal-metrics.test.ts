import assert from 'node:assert/strict';
import type { BufferedMetricUpdate } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { addTemporalMetrics } from './temporal-metrics.js';

describe('the Temporal metrics', () => {
  it('count failed workflow tasks from 0 and ignore everything else that the SDK measures', async () => {
    const registry = new Registry();
    const updates: BufferedMetricUpdate[] = [];
    addTemporalMetrics(registry, { retrieveUpdates: () => updates.splice(0).values() });
    const record = (name: string, value: number) =>
      updates.push({ metric: { name } as BufferedMetricUpdate['metric'], value, attributes: { workflow_type: 'x' } });
    const failures = async () => {
      const lines = (await registry.metrics()).split('\n');
      return lines.filter((line) => line !== '' && !line.startsWith('#'));
    };
    assert.deepEqual(await failures(), ['workflow_task_failures_total 0']);
    record('temporal_workflow_task_execution_failed', 1);
    record('temporal_workflow_task_queue_poll_succeed', 1);
    record('temporal_workflow_task_execution_failed', 2);
    assert.deepEqual(await failures(), ['workflow_task_failures_total 3']);
    assert.deepEqual(await failures(), ['workflow_task_failures_total 3'], 'each update is counted once');
  });
});
