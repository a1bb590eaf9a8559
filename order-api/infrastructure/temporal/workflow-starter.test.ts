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

  it('orders that come before the first events of a workflow are out leave together with the next', async () => {
    const { starter, started, turn, publishEvents, answerStart } = setUp();
    for (const orderId of orderIds('abcd')) starter.startSoon(orderId);
    await turn();
    await answerStart();
    assert.deepEqual(started, [['order-a', 'a']]);
    publishEvents('order-a');
    await turn();
    assert.match(started[1]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[1]?.slice(1), ['b', 'c', 'd']);
  });

  it('first events that are out before the start is answered count too', async () => {
    const { starter, started, turn, publishEvents, answerStart } = setUp();
    for (const orderId of orderIds('ab')) starter.startSoon(orderId);
    await turn();
    publishEvents('order-a');
    await answerStart();
    assert.deepEqual(started, [
      ['order-a', 'a'],
      ['order-b', 'b'],
    ]);
  });

  it('first events that nobody hears of, as while RabbitMQ is away, only slow the next start down', async () => {
    const { starter, started, turn, answerStart } = setUp();
    for (const orderId of orderIds('ab')) starter.startSoon(orderId);
    await turn();
    await answerStart();
    assert.equal(started.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(started.length, 2);
  });

  it('no workflow gets more orders than it may', async () => {
    const { starter, started, finishAll } = setUp({ size: 3 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map((call) => call.length - 1),
      [1, 3, 3, 1],
    );
  });

  it('in strict mode every order has a workflow of its own, and starts do not wait for first events', async () => {
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
    for (const orderId of orderIds('abc')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([, ...ids]) => ids),
      [['a'], ['c']],
    );
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
    const { starter, started, turn, finishAll } = setUp();
    for (const orderId of orderIds('abc')) starter.startSoon(orderId);
    await turn();
    const stopped = starter.stop();
    await finishAll();
    await stopped;
    starter.startSoon('d');
    await turn();
    assert.deepEqual(started, [['order-a', 'a']]);
  });
});

function orderIds(letters: string): string[] {
  return Array.from(letters);
}

function setUp({ size = 100 } = {}) {
  /** Each call's workflow and orders. */
  const started: string[][] = [];
  const open: { workflowId: string; answer: () => void }[] = [];
  const taken = new Set<string>();
  let failure: Error | undefined;
  const fakeStore: Pick<OrderStore, 'assignWorkflow'> = {
    assignWorkflow: async (orders: readonly PendingOrder[]) =>
      orders.map(({ orderId }) => orderId).filter((orderId) => !taken.has(orderId)),
  };
  const fakeClient: Partial<LifecycleClient> = {
    ensureStarted: async (workflowId, orderIds) => {
      started.push([workflowId, ...orderIds]);
      await new Promise<void>((answer) => open.push({ workflowId, answer }));
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
  /** Lets the oldest open call that starts a workflow return, and tells which workflow it was. */
  const answerStart = async () => {
    const call = open.shift();
    call?.answer();
    await turn();
    return call?.workflowId;
  };
  const publishEvents = (workflowId: string) => starter.firstEventsPublished(workflowId);
  /** Lets every start come to its first events, until no more come. */
  const finishAll = async () => {
    for (let quiet = 0; quiet < 3; quiet = open.length > 0 ? 0 : quiet + 1) {
      const workflowId = await answerStart();
      if (workflowId !== undefined) publishEvents(workflowId);
      await turn();
    }
  };
  const failWith = (error: Error) => (failure = error);
  return { starter, started, taken, turn, answerStart, publishEvents, finishAll, failWith };
}
