import assert from 'node:assert/strict';
import { createInMemoryProcessingStore } from '../../infra/dev/testing/in-memory-processing-store.js';
import type { CreatedOrder, OrderWorkflows, ProcessedOrder, ProcessingStore } from './ports.js';
import { createProcessOrder } from './process-order.js';

const order: CreatedOrder = {
  orderId: 'o-1',
  version: 1,
  eventKey: 'order.created:o-1:1',
  messageId: 'm-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  workflowId: 'orders-1',
};
const done: ProcessedOrder = { orderId: 'o-1', status: 'done', reason: null, version: 2 };

describe('processOrder', () => {
  it('does the work, stores the decision, then publishes the outcome', async () => {
    const { processOrder, steps } = setUp();
    assert.deepEqual(await processOrder(order), { processed: done, first: true });
    assert.deepEqual(steps, ['work', 'store order.created:o-1:1', 'decide', 'publish o-1']);
  });

  it('skips the work for a known event, but publishes the outcome again in case it was lost', async () => {
    const { processOrder, steps } = setUp();
    await processOrder(order);
    steps.length = 0;
    assert.deepEqual(await processOrder(order), { processed: done, first: false });
    assert.deepEqual(steps, ['store order.created:o-1:1', 'publish o-1 again']);
  });

  it('does not look the event up when there is no work to skip', async () => {
    const { processOrder, steps } = setUp({ noWork: true });
    assert.deepEqual(await processOrder(order), { processed: done, first: true });
    assert.deepEqual(steps, ['store order.created:o-1:1', 'decide', 'publish o-1']);
  });

  it('hands an outcome that it could not publish over to the workflow and succeeds', async () => {
    const { processOrder, steps } = setUp({ publishFails: true });
    assert.deepEqual(await processOrder(order), { processed: done, first: true });
    assert.equal(steps.at(-1), 'signal orders-1 o-1 done 2');
  });

  it('fails, so that the message is retried, when neither RabbitMQ nor a workflow accepts the outcome', async () => {
    for (const workflow of ['closed', 'unavailable'] as const) {
      const { processOrder } = setUp({ publishFails: true, workflow });
      await assert.rejects(processOrder(order), /RabbitMQ is unavailable/);
    }
  });

  it('stores and publishes nothing when the work fails', async () => {
    const { processOrder, steps } = setUp({ workFails: true });
    await assert.rejects(processOrder(order), /the work failed/);
    assert.deepEqual(steps, []);
  });

  it('publishes nothing when the outcome could not be stored', async () => {
    const { processOrder, steps } = setUp({ storeFails: true });
    await assert.rejects(processOrder(order), /the database is unavailable/);
    assert.deepEqual(steps, ['work']);
  });
});

interface Faults {
  publishFails?: boolean;
  workflow?: 'open' | 'closed' | 'unavailable';
  workFails?: boolean;
  storeFails?: boolean;
  noWork?: boolean;
}

function setUp({ publishFails, workflow = 'open', workFails, storeFails, noWork }: Faults = {}) {
  const steps: string[] = [];
  const memory = createInMemoryProcessingStore();
  const store: Pick<ProcessingStore, 'process' | 'isKnown'> = {
    isKnown: async (eventKey) => {
      assert.ok(!noWork, 'the inbox is not queried');
      return memory.isKnown(eventKey);
    },
    process: async (received, decide) => {
      if (storeFails) throw new Error('the database is unavailable');
      steps.push(`store ${received.eventKey}`);
      return memory.process(received, decide);
    },
  };
  const workflows: OrderWorkflows = {
    signalOutcomeReady: async ({ orderId, status, version }, workflowId) => {
      if (workflow === 'unavailable') throw new Error('Temporal is unavailable');
      steps.push(`signal ${workflowId} ${orderId} ${status} ${version}`);
      return workflow === 'open';
    },
  };
  const processOrder = createProcessOrder({
    store,
    workflows,
    outcomes: {
      publish: async ({ orderId }, first) => {
        if (publishFails) throw new Error('RabbitMQ is unavailable');
        steps.push(`publish ${orderId}${first ? '' : ' again'}`);
      },
    },
    decide: () => {
      steps.push('decide');
      return { status: 'done' };
    },
    work: noWork
      ? undefined
      : async () => {
          if (workFails) throw new Error('the work failed');
          steps.push('work');
        },
  });
  return { processOrder, steps };
}
