import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { createOrderWorkflowClient } from './order-workflow-client.js';

describe('the order workflow client, with thousands of signals at once,', () => {
  it('sends all signals, but only a few at a time, so that none exceeds its deadline', async () => {
    let inFlight = 0;
    let max = 0;
    const signalled = new Set<string>();
    const client = {
      workflow: {
        getHandle: (workflowId: string) => ({
          signal: async () => {
            inFlight += 1;
            max = Math.max(max, inFlight);
            await new Promise((resolve) => setTimeout(resolve, 1));
            inFlight -= 1;
            signalled.add(workflowId);
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
    assert.equal(signalled.size, ids.length);
    assert.ok(max <= 20, `${max} at once`);
  });

  it('rejects a signal when too many others wait', async () => {
    const never = {
      workflow: { getHandle: () => ({ signal: () => new Promise(() => undefined) }) },
    } as unknown as Client;
    const workflows = createOrderWorkflowClient({ call: (_timeoutMs, request) => request(never) });
    const signals = Array.from({ length: 10_020 }, (_, index) => workflows.signalCheckNow(`order-${index}`));
    await assert.rejects(workflows.signalCheckNow('order-one-more'), /too many signals are waiting/);
    for (const each of signals) each.catch(() => undefined);
  });
});
