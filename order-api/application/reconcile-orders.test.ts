import assert from 'node:assert/strict';
import type { Order } from '../domain/order.js';
import type { OpenWorkflow, OrderLifecycles, OrderStore } from './ports.js';
import { createReconcileOrders } from './reconcile-orders.js';

describe('reconcile orders', () => {
  it('with nothing due does nothing', async () => {
    const { reconcile, told, started } = setUp({ pending: 0, owed: 0 });
    assert.deepEqual(await reconcile(), { pending: 0, publishedAgain: 0, told: 0, idle: 0, proven: 3 });
    assert.deepEqual([started, told], [[], []]);
  });

  it('looks after every pending order that is due, however many there are', async () => {
    const { reconcile, started } = setUp({ pending: 520, owed: 0 });
    assert.equal((await reconcile()).pending, 520);
    assert.equal(new Set(started).size, 520);
  });

  it('tells every workflow that is owed the word, and clears each debt after it', async () => {
    const { reconcile, told, cleared } = setUp({ pending: 0, owed: 60 });
    assert.equal((await reconcile()).told, 60);
    assert.equal(told.length, 60);
    assert.deepEqual(new Set(cleared), new Set(told.map((orderId) => `order.processed:${orderId}:2`)));
  });

  it('a pass ends with the first error', async () => {
    const { reconcile, claims } = setUp({ pending: 120, owed: 1, failsOn: 'pending-1' });
    await assert.rejects(reconcile(), /Temporal is away/);
    assert.deepEqual(claims, ['pending']);
  });

  it('tells a workflow that is open though all of its orders have ended, and no other', async () => {
    const open = [
      { workflowId: 'orders-1', orderIds: ['settled-1', 'settled-2'] },
      { workflowId: 'orders-2', orderIds: ['settled-3', 'pending-1'] },
      { workflowId: 'order-x', orderIds: [] },
    ];
    const { reconcile, told } = setUp({ pending: 0, owed: 0, open });
    assert.equal((await reconcile()).idle, 1);
    assert.deepEqual(told, ['orders-1 settled-1 settled-2']);
  });

  it('a debt is not cleared when the workflow could not be told', async () => {
    const { reconcile, cleared } = setUp({ pending: 0, owed: 1, failsOn: 'owed-1' });
    await assert.rejects(reconcile(), /Temporal is away/);
    assert.deepEqual(cleared, []);
  });

  it('has published again what is overdue, and counts it, when it is nowhere on its way', async () => {
    const { reconcile, again, counted } = setUp({ pending: 3, owed: 0, overdue: 2 });
    assert.equal((await reconcile()).publishedAgain, 2);
    assert.deepEqual(again, ['pending-1', 'pending-2']);
    assert.deepEqual(counted, again);
  });

  it('publishes nothing again while messages wait or are parked: it may be among them', async () => {
    const { reconcile, again, counted } = setUp({ pending: 3, owed: 0, overdue: 2, messagesUnderWay: true });
    assert.deepEqual(await reconcile(), { pending: 3, publishedAgain: 0, told: 0, idle: 0, proven: 3 });
    assert.deepEqual([again, counted], [[], []]);
  });

  it('does not count what it could not have published again', async () => {
    const { reconcile, counted } = setUp({ pending: 1, owed: 0, overdue: 1, failsOn: 'again pending-1' });
    await assert.rejects(reconcile(), /Temporal is away/);
    assert.deepEqual(counted, []);
  });

  it('stops between batches when it is told to', async () => {
    const stopping = new AbortController();
    const open = [{ workflowId: 'orders-1', orderIds: ['settled-1'] }];
    const { reconcile, claims } = setUp({ pending: 1000, owed: 1000, open, onClaim: () => stopping.abort() });
    assert.deepEqual(await reconcile(stopping.signal), {
      pending: 200,
      publishedAgain: 0,
      told: 0,
      idle: 0,
      proven: 3,
    });
    assert.deepEqual(claims, ['pending']);
  });

  it('a pass has an end even when there is always more', async () => {
    const { reconcile } = setUp({ pending: Infinity, owed: 0 });
    assert.equal((await reconcile()).pending, 20_000);
  });
});

const graceMs = 5000;

interface Due {
  pending: number;
  owed: number;
  /** How many of the pending are overdue, the first ones. */
  overdue?: number;
  messagesUnderWay?: boolean;
  open?: OpenWorkflow[];
  failsOn?: string;
  onClaim?: () => void;
}

function setUp({
  pending,
  owed,
  overdue = 0,
  messagesUnderWay = false,
  open = [],
  failsOn,
  onClaim = () => undefined,
}: Due) {
  const left = { pending, owed };
  const given = { pending: 0, owed: 0 };
  const [claims, started, told, cleared]: [string[], string[], string[], string[]] = [[], [], [], []];
  const [again, counted]: [string[], string[]] = [[], []];
  const take = (kind: 'pending' | 'owed', limit: number): string[] => {
    claims.push(kind);
    onClaim();
    const count = Math.min(limit, left[kind]);
    left[kind] -= count;
    return Array.from({ length: count }, () => `${kind}-${(given[kind] += 1)}`);
  };
  const callTemporal = (orderId: string, log: string[]): void => {
    if (orderId === failsOn) throw new Error('Temporal is away');
    log.push(orderId);
  };
  const fakeStore: Partial<OrderStore> = {
    markProvenPublished: async () => 3,
    claimPending: async (limit) =>
      take('pending', limit).map((orderId) => {
        return { orderId, workflowId: null, overdue: Number(orderId.slice('pending-'.length)) <= overdue };
      }),
    notePublishedAgain: async (orderIds) => void counted.push(...orderIds),
    claimOwedSettled: async (limit) =>
      take('owed', limit).map((orderId) => ({
        eventKey: `order.processed:${orderId}:2`,
        order: { orderId, status: 'done', version: 2 } as Order,
      })),
    findSettled: async (orderIds) =>
      orderIds.filter((id) => id.startsWith('settled')).map((orderId) => ({ orderId, status: 'done', version: 2 })),
    clearOwedSettled: async (eventKey) => void cleared.push(eventKey),
  };
  const fakeLifecycles: Partial<OrderLifecycles> = {
    ensureDriven: async (orders) => orders.forEach(({ orderId }) => callTemporal(orderId, started)),
    publishAgain: async (orders) =>
      orders.forEach(({ orderId }) => {
        if (failsOn === `again ${orderId}`) throw new Error('Temporal is away');
        again.push(orderId);
      }),
    tellSettled: async ({ orderId }) => callTemporal(orderId, told),
    tellAllSettled: async (workflowId, orders) =>
      void told.push([workflowId, ...orders.map(({ orderId }) => orderId)].join(' ')),
    findOpen: async (olderThanMs) => {
      assert.equal(olderThanMs, graceMs);
      return open;
    },
  };
  const reconcileOrders = createReconcileOrders({
    store: fakeStore as OrderStore,
    lifecycles: fakeLifecycles as OrderLifecycles,
    messages: { areNone: async () => !messagesUnderWay },
    graceMs,
  });
  const reconcile = (stopped = new AbortController().signal) => reconcileOrders(stopped);
  return { reconcile, claims, started, told, cleared, again, counted };
}
