import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { createOrderWorkflowClient } from './order-workflow-client.js';

describe('the door to the order workflows, when thousands are to be told at once', () => {
  it('tells all of them, and a few at a time, so that none runs into its deadline', async () => {
    let inFlight = 0;
    let max = 0;
    const told = new Set<string>();
    const client = {
      workflow: {
        getHandle: (workflowId: string) => ({
          signal: async () => {
            inFlight += 1;
            max = Math.max(max, inFlight);
            await new Promise((resolve) => setTimeout(resolve, 1));
            inFlight -= 1;
            told.add(workflowId);
          },
        }),
      },
    } as unknown as Client;
    const workflows = createOrderWorkflowClient({ call: (_timeoutMs, request) => request(client) });
    const ids = Array.from({ length: 2000 }, (_, index) => `o-${index}`);
    const results = await Promise.all(
      ids.map((orderId) => workflows.signalSettled(`order-${orderId}`, { orderId, status: 'done', version: 2 })),
    );
    assert.ok(results.every((result) => result));
    assert.equal(told.size, ids.length);
    assert.ok(max <= 20, `${max} at once`);
  });

  it('forgets those that would wait for long', async () => {
    const never = {
      workflow: { getHandle: () => ({ signal: () => new Promise(() => undefined) }) },
    } as unknown as Client;
    const workflows = createOrderWorkflowClient({ call: (_timeoutMs, request) => request(never) });
    const told = Array.from({ length: 10_020 }, (_, index) => workflows.signalCheckNow(`order-${index}`));
    await assert.rejects(workflows.signalCheckNow('order-one-more'), /too many workflows wait to be told/);
    for (const each of told) each.catch(() => undefined);
  });
});
