import assert from 'node:assert/strict';
import type { CreatedOrder, OrderLifecycles, ProcessedOrder, ProcessingStore } from './ports.js';
import { createProcessOrder } from './process-order.js';

const order: CreatedOrder = {
  orderId: 'o-1',
  version: 1,
  eventKey: 'order.created:o-1:1',
  messageId: 'm-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  workflowId: 'orders-1',
};
const done: ProcessedOrder = { orderId: 'o-1', status: 'done', reason: null, version: 2, workflowId: 'orders-1' };

describe('process order', () => {
  it('does the work, stores the verdict, then tells the workflow', async () => {
    const { processOrder, steps } = setUp();
    assert.deepEqual(await processOrder(order), { processed: done, first: true });
    assert.deepEqual(steps, ['work', 'store order.created:o-1:1', 'decide', 'tell o-1 done 2']);
  });

  it('the work is not done again for a known event, and the workflow is told again', async () => {
    const { processOrder, steps } = setUp();
    await processOrder(order);
    steps.length = 0;
    assert.deepEqual(await processOrder(order), { processed: done, first: false });
    assert.deepEqual(steps, ['store order.created:o-1:1', 'tell o-1 done 2']);
  });

  it('where there is no work, nobody is asked whether the event is known', async () => {
    const { processOrder, steps } = setUp({ noWork: true });
    assert.deepEqual(await processOrder(order), { processed: done, first: true });
    assert.deepEqual(steps, ['store order.created:o-1:1', 'decide', 'tell o-1 done 2']);
  });

  it('a signal that fails is written down, and the message is done all the same', async () => {
    const { processOrder, steps } = setUp({ tellFails: true });
    assert.deepEqual(await processOrder(order), { processed: done, first: true });
    assert.equal(steps.at(-1), 'owe order.created:o-1:1');
  });

  it('a debt that cannot be written down fails the message, so that it comes again', async () => {
    const { processOrder } = setUp({ tellFails: true, oweFails: true });
    await assert.rejects(processOrder(order), /the database is away/);
  });

  it('work that fails stores nothing and tells nobody', async () => {
    const { processOrder, steps } = setUp({ workFails: true });
    await assert.rejects(processOrder(order), /the work failed/);
    assert.deepEqual(steps, []);
  });

  it('a verdict that could not be stored is told to nobody', async () => {
    const { processOrder, steps } = setUp({ storeFails: true });
    await assert.rejects(processOrder(order), /the database is away/);
    assert.deepEqual(steps, ['work']);
  });
});

function setUp({ tellFails = false, oweFails = false, workFails = false, storeFails = false, noWork = false } = {}) {
  const steps: string[] = [];
  const states = new Map<string, ProcessedOrder>();
  const fakeStore: Partial<ProcessingStore> = {
    isKnown: async (eventKey) => {
      assert.ok(!noWork, 'nobody is asked');
      return states.has(eventKey);
    },
    process: async ({ eventKey, orderId, version, workflowId }, decide) => {
      if (storeFails) throw new Error('the database is away');
      steps.push(`store ${eventKey}`);
      const known = states.get(eventKey);
      if (known) return { processed: known, first: false };
      const verdict = decide();
      const reason = verdict.status === 'failed' ? verdict.reason : null;
      const processed = { orderId, status: verdict.status, reason, version: version + 1, workflowId };
      states.set(eventKey, processed);
      return { processed, first: true };
    },
    oweOutcome: async (eventKey) => {
      if (oweFails) throw new Error('the database is away');
      steps.push(`owe ${eventKey}`);
    },
  };
  const fakeLifecycles: Partial<OrderLifecycles> = {
    tellOutcome: async ({ orderId, status, version }) => {
      if (tellFails) throw new Error('Temporal is away');
      steps.push(`tell ${orderId} ${status} ${version}`);
    },
  };
  const work = async () => {
    if (workFails) throw new Error('the work failed');
    steps.push('work');
  };
  const processOrder = createProcessOrder({
    store: fakeStore as ProcessingStore,
    lifecycles: fakeLifecycles as OrderLifecycles,
    decide: () => {
      steps.push('decide');
      return { status: 'done' };
    },
    work: noWork ? undefined : work,
  });
  return { processOrder, steps };
}
