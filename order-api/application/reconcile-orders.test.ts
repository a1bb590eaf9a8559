import assert from 'node:assert/strict';
import { createReconcileOrders } from './reconcile-orders.js';
import type { PendingOrder } from './ports.js';

describe('reconcileOrders', () => {
  it('ensures workflows for all due orders, batch by batch, and defers their next check', async () => {
    const { reconcile, ensured, deferred } = setUp(450);
    assert.equal(await reconcile(), 450);
    assert.deepEqual(
      ensured.map((batch) => batch.length),
      [200, 200, 50],
    );
    assert.equal(deferred.length, 450);
  });

  it('does not defer orders that could not be checked, so that they are due when their lease expires', async () => {
    const { reconcile, deferred } = setUp(3, (orders) =>
      orders.map(({ orderId }) => orderId).filter((id) => id !== 'o-1'),
    );
    await reconcile();
    assert.deepEqual(deferred, ['o-0', 'o-2']);
  });

  it('claims no more than one batch while Temporal is unavailable', async () => {
    const { reconcile, ensured, deferred } = setUp(450, () => []);
    await reconcile();
    assert.deepEqual([ensured.length, deferred], [1, []]);
  });

  it('does nothing when no order is due', async () => {
    const { reconcile, ensured, deferred } = setUp(0);
    assert.equal(await reconcile(), 0);
    assert.deepEqual([ensured, deferred], [[], []]);
  });

  it('stops between two batches when it is asked to stop', async () => {
    const stop = new AbortController();
    const { reconcile, ensured } = setUp(450, (orders) => {
      stop.abort();
      return orders.map(({ orderId }) => orderId);
    });
    assert.equal(await reconcile(stop.signal), 200);
    assert.equal(ensured.length, 1);
  });
});

const all = (orders: readonly PendingOrder[]): string[] => orders.map(({ orderId }) => orderId);

function setUp(count: number, ensure = all) {
  const due = Array.from({ length: count }, (_, index) => ({ orderId: `o-${index}`, workflowId: null }));
  const ensured: string[][] = [];
  const deferred: string[] = [];
  const reconcileOrders = createReconcileOrders({
    store: {
      claimPending: async (limit) => due.splice(0, limit),
      deferCheck: async (orderIds) => void deferred.push(...orderIds),
    },
    workflows: {
      ensureWorkflows: async (orders) => {
        ensured.push(all(orders));
        return ensure(orders);
      },
    },
  });
  return { reconcile: (stopped = new AbortController().signal) => reconcileOrders(stopped), ensured, deferred };
}
