import assert from 'node:assert/strict';
import type { OrderLifecycles, ProcessedOrder, ProcessingStore } from './ports.js';
import { createReconcileAnswers } from './reconcile-answers.js';

describe('reconcile answers', () => {
  it('with nothing due does nothing', async () => {
    const { reconcile, told, restarted } = setUp({ owed: 0, unpublished: 0 });
    assert.deepEqual(await reconcile(), { told: 0, restarted: 0 });
    assert.deepEqual([told, restarted], [[], []]);
  });

  it('tells every workflow that is owed its outcome, and clears each debt after it', async () => {
    const { reconcile, told, cleared } = setUp({ owed: 120, unpublished: 0 });
    assert.equal((await reconcile()).told, 120);
    assert.equal(new Set(told).size, 120);
    assert.deepEqual(new Set(cleared), new Set(told.map((orderId) => `order.created:${orderId}:1`)));
  });

  it('tells, and starts if need be, the workflow of every answer that nobody publishes', async () => {
    const { reconcile, restarted, told } = setUp({ owed: 0, unpublished: 120 });
    assert.equal((await reconcile()).restarted, 120);
    assert.equal(new Set(restarted).size, 120);
    assert.deepEqual(told, []);
  });

  it('a pass ends with the first error, and a debt that could not be paid stays', async () => {
    const { reconcile, claims, cleared } = setUp({ owed: 120, unpublished: 1, failsOn: 'owed-1' });
    await assert.rejects(reconcile(), /Temporal is away/);
    assert.deepEqual(claims, ['owed']);
    assert.ok(!cleared.includes('order.created:owed-1:1'));
  });

  it('stops between batches when it is told to', async () => {
    const stopping = new AbortController();
    const { reconcile, claims } = setUp({ owed: 1000, unpublished: 1000, onClaim: () => stopping.abort() });
    assert.deepEqual(await reconcile(stopping.signal), { told: 200, restarted: 0 });
    assert.deepEqual(claims, ['owed']);
  });

  it('a pass has an end even when there is always more', async () => {
    const { reconcile } = setUp({ owed: 0, unpublished: Infinity });
    assert.equal((await reconcile()).restarted, 20_000);
  });
});

interface Due {
  owed: number;
  unpublished: number;
  failsOn?: string;
  onClaim?: () => void;
}

function setUp({ owed, unpublished, failsOn, onClaim = () => undefined }: Due) {
  const left = { owed, unpublished };
  const given = { owed: 0, unpublished: 0 };
  const [claims, told, restarted, cleared]: [string[], string[], string[], string[]] = [[], [], [], []];
  const take = (kind: 'owed' | 'unpublished', limit: number): ProcessedOrder[] => {
    claims.push(kind);
    onClaim();
    const count = Math.min(limit, left[kind]);
    left[kind] -= count;
    return Array.from({ length: count }, () => {
      return { orderId: `${kind}-${(given[kind] += 1)}`, status: 'done', reason: null, version: 2, workflowId: null };
    });
  };
  const callTemporal = (orderId: string, log: string[]): void => {
    if (orderId === failsOn) throw new Error('Temporal is away');
    log.push(orderId);
  };
  const fakeStore: Partial<ProcessingStore> = {
    claimOwedOutcomes: async (limit) =>
      take('owed', limit).map((processed) => ({ eventKey: `order.created:${processed.orderId}:1`, processed })),
    clearOwedOutcome: async (eventKey) => void cleared.push(eventKey),
    claimUnpublished: async (limit) => take('unpublished', limit),
  };
  const fakeLifecycles: OrderLifecycles = {
    tellOutcome: async ({ orderId }) => callTemporal(orderId, told),
    tellOutcomeAndStart: async ({ orderId }) => callTemporal(orderId, restarted),
  };
  const reconcileAnswers = createReconcileAnswers({
    store: fakeStore as ProcessingStore,
    lifecycles: fakeLifecycles,
  });
  const reconcile = (stopped = new AbortController().signal) => reconcileAnswers(stopped);
  return { reconcile, claims, told, restarted, cleared };
}
