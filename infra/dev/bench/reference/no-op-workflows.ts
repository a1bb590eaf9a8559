import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { testLogger } from '../../testing/test-logger.js';
import { installTemporalRuntime } from '../../../temporal/runtime.js';
import { ratePerSecond } from '../rate.js';
import { serve } from './serve.js';
import type { noOp } from './no-op-workflow.js';

// For `settling`: workflows that do nothing, on the same server, with the order API's worker settings.
installTemporalRuntime(testLogger);
const namespace = process.env['TEMPORAL_NAMESPACE'] ?? 'default';
const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
const client = new Client({ connection, namespace });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: 'no-op',
  workflowsPath: fileURLToPath(new URL('./no-op-workflow.ts', import.meta.url)),
  maxConcurrentWorkflowTaskExecutions: 100,
  maxConcurrentActivityTaskExecutions: 100,
  maxConcurrentWorkflowTaskPolls: 10,
  maxConcurrentActivityTaskPolls: 10,
});
void worker.run();

/** The number of clients and the warm-up are the same as in `settling`. */
const clients = 200;
const warmUpMs = 2000;

async function runOne(): Promise<void> {
  const options = { taskQueue: 'no-op', workflowId: randomUUID(), requestEagerStart: true };
  await (await client.workflow.start<typeof noOp>('noOp', options)).result();
}

serve((durationMs) => ratePerSecond(clients, durationMs, runOne, warmUpMs));
