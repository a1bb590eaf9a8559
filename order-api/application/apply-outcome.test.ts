import assert from 'node:assert/strict';
import type { Order, Outcome } from '../domain/order.js';
import { createApplyOutcome } from './apply-outcome.js';
import { UnknownOrder, type AppliedOutcome } from './ports.js';

const outcome: Outcome = { orderId: 'o-1', status: 'done', reason: null, version: 2 };
const event = { outcome, eventKey: 'order.processed:o-1:2', messageId: 'm-1' };
const settled: Order = {
  orderId: 'o-1',
  customerId: 'c-1',
  status: 'done',
  totalAmount: 1,
  version: 2,
  items: [{ sku: 'A', quantity: 1, price: 1 }],
  failureReason: null,
  workflowId: 'orders-1',
  createdAt: new Date(0),
  updatedAt: new Date(0),
};

describe('applyOutcome', () => {
  it('applies the outcome, then signals the workflow', async () => {
    const { applyOutcome, steps } = setUp({ order: settled, result: 'applied' });
    assert.equal((await applyOutcome(event)).result, 'applied');
    assert.deepEqual(steps, ['apply o-1 order.processed:o-1:2 m-1', 'signal o-1 done 2']);
  });

  it('signals the workflow again when the outcome is a repeat', async () => {
    const { applyOutcome, steps } = setUp({ order: settled, result: 'repeated' });
    assert.equal((await applyOutcome(event)).result, 'repeated');
    assert.ok(steps.includes('signal o-1 done 2'));
  });

  it('signals how the order was settled when a stale outcome arrives for a settled order', async () => {
    const { applyOutcome, steps } = setUp({ order: { ...settled, version: 3 }, result: 'stale' });
    assert.equal((await applyOutcome(event)).result, 'stale');
    assert.ok(steps.includes('signal o-1 done 3'));
  });

  it('signals no workflow when a stale outcome arrives for a pending order', async () => {
    const { applyOutcome, steps } = setUp({ order: { ...settled, status: 'pending', version: 1 }, result: 'stale' });
    assert.equal((await applyOutcome(event)).result, 'stale');
    assert.deepEqual(steps, ['apply o-1 order.processed:o-1:2 m-1']);
  });

  it('rejects an outcome for an unknown order and signals no workflow', async () => {
    const { applyOutcome, steps } = setUp(new UnknownOrder('there is no order o-1'));
    await assert.rejects(applyOutcome(event), UnknownOrder);
    assert.deepEqual(steps, ['apply o-1 order.processed:o-1:2 m-1']);
  });
});

function setUp(applied: AppliedOutcome | Error) {
  const steps: string[] = [];
  const applyOutcome = createApplyOutcome({
    store: {
      applyOutcome: async ({ orderId }, { eventKey, messageId }) => {
        steps.push(`apply ${orderId} ${eventKey} ${messageId}`);
        if (applied instanceof Error) throw applied;
        return applied;
      },
    },
    workflows: {
      signalSettled: ({ orderId, status, version }) => void steps.push(`signal ${orderId} ${status} ${version}`),
    },
  });
  return { applyOutcome, steps };
}
