import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CreatedOrder, ProcessingStore } from '../../../processor/application/ports.js';
import type { Decision } from '../../../processor/domain/decision.js';
import { traceparent } from './order-fixtures.js';

const done = (): Decision => ({ status: 'done' });
const failed = (): Decision => ({ status: 'failed', reason: 'out of stock' });
const never = (): Decision => assert.fail('the order is decided already');

/**
 * Tests what every implementation of the port `ProcessingStore` promises to the use case. Each implementation runs it.
 * @param createStore creates a store that knows no order
 */
export function itKeepsThePromisesOfProcessingStore(createStore: () => Promise<ProcessingStore>): void {
  let store: ProcessingStore;
  beforeEach(async () => {
    store = await createStore();
  });

  for (const [decide, reason] of [
    [done, null],
    [failed, 'out of stock'],
  ] as const) {
    it(`stores the decision "${decide().status}" with the version after the order's`, async () => {
      const { processed, first } = await store.process(created('o-1'), decide);
      assert.equal(first, true);
      assert.deepEqual(processed, { orderId: 'o-1', status: decide().status, reason, version: 2 });
      assert.equal(await store.isKnown('order.created:o-1:1'), true);
    });
  }

  it('decides an order once: a repeat returns what was decided', async () => {
    const { processed } = await store.process(created('o-1'), failed);
    assert.deepEqual(await store.process(created('o-1'), never), { processed, first: false });
  });

  it('decides an order once when many deliveries of its event meet', async () => {
    let decisions = 0;
    const decide = (): Decision => {
      decisions += 1;
      return decisions % 2 ? done() : failed();
    };
    const results = await Promise.all(Array.from({ length: 20 }, () => store.process(created('o-1'), decide)));
    assert.equal(decisions, 1);
    assert.equal(results.filter(({ first }) => first).length, 1);
    for (const { processed } of results) assert.deepEqual(processed, results[0]?.processed);
  });

  it('stores nothing when the decision throws, and decides when the event comes again', async () => {
    const broken = (): Decision => {
      throw new Error('the decision broke');
    };
    await assert.rejects(store.process(created('o-1'), broken), /the decision broke/);
    assert.equal(await store.isKnown('order.created:o-1:1'), false);
    assert.deepEqual(await store.findProcessed(['o-1']), []);
    assert.equal((await store.process(created('o-1'), done)).first, true);
  });

  it('finds the outcomes of those orders that are decided', async () => {
    const { processed } = await store.process(created('o-1'), failed);
    assert.deepEqual(await store.findProcessed(['o-1', 'nobody']), [processed]);
    assert.deepEqual(await store.findProcessed([]), []);
  });
}

function created(orderId: string): CreatedOrder {
  const eventKey = `order.created:${orderId}:1`;
  return { orderId, version: 1, eventKey, messageId: randomUUID(), traceparent, workflowId: `orders-of-${orderId}` };
}
