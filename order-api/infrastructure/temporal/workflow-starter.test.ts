import assert from 'node:assert/strict';
import { TemporalUnavailable } from '../../../infra/temporal/outage.js';
import { silentLogger } from '../../../infra/testing/silent-logger.js';
import type { LifecycleClient } from '../../../workflows/client.js';
import type { OrderStore, PendingOrder } from '../../application/ports.js';
import { createWorkflowStarter } from './workflow-starter.js';

describe('the workflow starter', () => {
  it('an idle system starts each order at once, in a workflow of its own', async () => {
    const { starter, started, finishAll } = setUp();
    for (const orderId of ['a', 'b']) {
      starter.startSoon(orderId);
      await finishAll();
    }
    assert.deepEqual(started, [
      ['order-a', 'a'],
      ['order-b', 'b'],
    ]);
  });

  it('orders that come while four starts are under way leave together with the next', async () => {
    const { starter, started, turn, finishOne } = setUp();
    for (const orderId of orderIds('abcdefg')) starter.startSoon(orderId);
    await turn();
    assert.deepEqual(started.flatMap(([, ...ids]) => ids).sort(), ['a', 'b', 'c', 'd']);
    await finishOne();
    assert.equal(started.length, 5);
    assert.match(started[4]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[4]?.slice(1), ['e', 'f', 'g']);
  });

  it('no workflow gets more orders than it may', async () => {
    const { starter, started, finishAll } = setUp({ size: 3 });
    for (const orderId of orderIds('abcdefghijk')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map((call) => call.length - 1),
      [1, 1, 1, 1, 3, 3, 1],
    );
  });

  it('in strict mode every order has a workflow of its own', async () => {
    const { starter, started, finishAll } = setUp({ size: 1 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([workflowId]) => workflowId).sort(),
      orderIds('abcdefgh').map((id) => `order-${id}`),
    );
  });

  it('an order that was assigned to another workflow meanwhile is left to that', async () => {
    const { starter, started, taken, finishAll } = setUp();
    taken.add('b');
    starter.startSoon('a');
    starter.startSoon('b');
    await finishAll();
    assert.deepEqual(started, [['order-a', 'a']]);
  });

  it('while Temporal is away the same group is tried again under the same name', async () => {
    const { starter, started, failWith, finishAll } = setUp();
    failWith(new TemporalUnavailable('away'));
    starter.startSoon('a');
    await finishAll();
    assert.equal(started.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await finishAll();
    assert.deepEqual(started, [
      ['order-a', 'a'],
      ['order-a', 'a'],
    ]);
  });

  it('an order that Temporal refuses holds up no other', async () => {
    const { starter, started, failWith, finishAll } = setUp();
    failWith(new Error('refused'));
    starter.startSoon('a');
    await finishAll();
    starter.startSoon('b');
    await finishAll();
    assert.deepEqual(started, [
      ['order-a', 'a'],
      ['order-b', 'b'],
    ]);
  });

  it('starts what a reconciler found in groups, and fails when one of them could not be started', async () => {
    const { starter, started, failWith, finishAll } = setUp({ size: 2 });
    failWith(new Error('refused'));
    const orders = orderIds('abcde').map((orderId) => ({ orderId, workflowId: null }));
    const all = assert.rejects(starter.startAll(orders), /refused/);
    await finishAll();
    await all;
    assert.deepEqual(started.flatMap(([, ...ids]) => ids).sort(), orderIds('abcde'));
    assert.equal(started.length, 3);
  });

  it('stopping gives up what waits, and takes nothing more', async () => {
    const { starter, started, turn, finishOne } = setUp();
    for (const orderId of orderIds('abcdef')) starter.startSoon(orderId);
    await turn();
    const stopped = starter.stop();
    for (let call = 0; call < 4; call += 1) await finishOne();
    await stopped;
    starter.startSoon('g');
    await turn();
    assert.equal(started.length, 4);
  });
});

function orderIds(letters: string): string[] {
  return Array.from(letters);
}

function setUp({ size = 100 } = {}) {
  /** Each call's workflow and orders. */
  const started: string[][] = [];
  const open: (() => void)[] = [];
  const taken = new Set<string>();
  let failure: Error | undefined;
  const fakeStore: Pick<OrderStore, 'assignWorkflow'> = {
    assignWorkflow: async (orders: readonly PendingOrder[]) =>
      orders.map(({ orderId }) => orderId).filter((orderId) => !taken.has(orderId)),
  };
  const fakeClient: Partial<LifecycleClient> = {
    ensureStarted: async (workflowId, orderIds) => {
      started.push([workflowId, ...orderIds]);
      await new Promise<void>((resolve) => open.push(resolve));
      const error = failure;
      failure = undefined;
      if (error) throw error;
    },
  };
  const starter = createWorkflowStarter({
    client: fakeClient as LifecycleClient,
    store: fakeStore,
    grouping: { size, stragglerAfterMs: 1000 },
    logger: silentLogger,
  });
  const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
  const finishOne = async () => {
    open.shift()?.();
    await turn();
  };
  /** Answers every call until no more come. */
  const finishAll = async () => {
    for (let quiet = 0; quiet < 3; quiet = open.length > 0 ? 0 : quiet + 1) await finishOne();
  };
  return { starter, started, taken, turn, finishOne, finishAll, failWith: (error: Error) => (failure = error) };
}
