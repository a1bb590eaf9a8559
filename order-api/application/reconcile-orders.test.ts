import assert from 'node:assert/strict';
import { createReconcileOrders } from './reconcile-orders.js';
import type { PendingOrder } from './ports.js';

describe('reconcile orders', () => {
  it('has the workflows of all due orders looked for, batch by batch, and puts off the next look at them', async () => {
    const { reconcile, looked, deferred } = setUp(450);
    assert.equal(await reconcile(), 450);
    assert.deepEqual(
      looked.map((batch) => batch.length),
      [200, 200, 50],
    );
    assert.equal(deferred.length, 450);
  });

  it('does not put off the orders that could not be looked at: they are due when their lease is over', async () => {
    const { reconcile, deferred } = setUp(3, (orders) =>
      orders.map(({ orderId }) => orderId).filter((id) => id !== 'o-1'),
    );
    await reconcile();
    assert.deepEqual(deferred, ['o-0', 'o-2']);
  });

  it('claims no more than one batch while Temporal is unavailable', async () => {
    const { reconcile, looked, deferred } = setUp(450, () => []);
    await reconcile();
    assert.deepEqual([looked.length, deferred], [1, []]);
  });

  it('does nothing when nothing is due', async () => {
    const { reconcile, looked, deferred } = setUp(0);
    assert.equal(await reconcile(), 0);
    assert.deepEqual([looked, deferred], [[], []]);
  });

  it('stops between two batches when it is told to', async () => {
    const stop = new AbortController();
    const { reconcile, looked } = setUp(450, (orders) => {
      stop.abort();
      return orders.map(({ orderId }) => orderId);
    });
    assert.equal(await reconcile(stop.signal), 200);
    assert.equal(looked.length, 1);
  });
});

const all = (orders: readonly PendingOrder[]): string[] => orders.map(({ orderId }) => orderId);

function setUp(count: number, ensure = all) {
  const due = Array.from({ length: count }, (_, index) => ({ orderId: `o-${index}`, workflowId: null }));
  const looked: string[][] = [];
  const deferred: string[] = [];
  const reconcileOrders = createReconcileOrders({
    store: {
      claimPending: async (limit) => due.splice(0, limit),
      deferCheck: async (orderIds) => void deferred.push(...orderIds),
    },
    workflows: {
      ensureWorkflows: async (orders) => {
        looked.push(all(orders));
        return ensure(orders);
      },
    },
  });
  return { reconcile: (stopped = new AbortController().signal) => reconcileOrders(stopped), looked, deferred };
}
