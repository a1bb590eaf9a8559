import assert from 'node:assert/strict';
import { TemporalUnavailable } from '../../../infra/temporal/outage.js';
import { testLogger } from '../../../infra/dev/testing/test-logger.js';
import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { OrderStore, PendingOrder } from '../../application/ports.js';
import { createFirstEvents } from './first-events.js';
import { createWorkflowStarter } from './workflow-starter.js';

describe('the workflow starter', () => {
  it('starts each order at once, in its own workflow, while it is idle', async () => {
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

  it('starts orders that arrive one by one at once, with up to four starts in flight', async () => {
    const { starter, started, turn } = setUp();
    for (const orderId of orderIds('abcd')) {
      starter.startSoon(orderId);
      await turn();
    }
    assert.deepEqual(
      started,
      orderIds('abcd').map((id) => [`order-${id}`, id]),
    );
  });

  it('starts orders that arrive while all starts are in flight together, once the last start is done', async () => {
    const { starter, started, turn, finishStart } = setUp();
    for (const orderId of orderIds('abcdefg')) {
      starter.startSoon(orderId);
      await turn();
    }
    for (const left of [3, 2, 1]) {
      assert.equal(started.length, 4, `${left} starts are still in flight`);
      await finishStart();
    }
    await finishStart();
    assert.match(started[4]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[4]?.slice(1), ['e', 'f', 'g']);
  });

  it('starts nothing else while a group is in flight, because more starts only make smaller groups', async () => {
    const { starter, started, turn, finishStart } = setUp();
    for (const orderId of orderIds('abcdefg')) starter.startSoon(orderId);
    await turn();
    for (let start = 0; start < 4; start += 1) await finishStart();
    const before = started.length;
    for (const orderId of orderIds('xy')) {
      starter.startSoon(orderId);
      await turn();
    }
    assert.equal(started.length, before);
    await finishStart();
    assert.deepEqual(started.at(-1)?.slice(1), ['x', 'y']);
  });

  it('counts a start as in flight until its workflow has published its first events', async () => {
    const { starter, started, turn, publishEvents, completeStartCall } = setUp();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    await completeStartCall();
    assert.equal(started.length, 4);
    publishEvents('order-a');
    await turn();
    assert.deepEqual(started.at(-1), ['order-e', 'e']);
  });

  it('notices first events that are published before the start call returns', async () => {
    const { starter, started, turn, publishEvents, completeStartCall } = setUp();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    publishEvents('order-a');
    await completeStartCall();
    assert.deepEqual(started.at(-1), ['order-e', 'e']);
  });

  it('slows starts down, but does not block them, when no first events are reported', async () => {
    const { starter, started, turn, completeStartCall } = setUp();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    await completeStartCall();
    assert.equal(started.length, 4);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(started.length, 5);
  });

  it('gives no workflow more orders than the limit', async () => {
    const { starter, started, finishAll } = setUp({ maxOrdersPerWorkflow: 3 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map((call) => call.length - 1),
      [1, 1, 1, 1, 3, 1],
    );
  });

  it('gives every order its own workflow in strict mode', async () => {
    const { starter, started, finishAll } = setUp({ maxOrdersPerWorkflow: 1 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([workflowId]) => workflowId).sort(),
      orderIds('abcdefgh').map((id) => `order-${id}`),
    );
  });

  it('starts the next order in strict mode only when the first events of another are published', async () => {
    const { starter, started, turn, completeStartCall, publishEvents } = setUp({ maxOrdersPerWorkflow: 1 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await turn();
    for (let start = 0; start < 4; start += 1) await completeStartCall();
    assert.equal(started.length, 4, 'four start calls have returned, and none of their events are published');
    publishEvents('order-c');
    await turn();
    assert.deepEqual(started.slice(4), [['order-e', 'e']]);
  });

  for (const { mode, maxOrdersPerWorkflow, next } of [
    { mode: 'starts the next order in strict mode', maxOrdersPerWorkflow: 1, next: [['order-e', 'e']] },
    { mode: 'gathers more orders when they can share a workflow', maxOrdersPerWorkflow: 100, next: [] },
  ]) {
    it(`${mode} when RabbitMQ does not accept the first events`, async () => {
      const { starter, started, turn, completeStartCall, failToPublish } = setUp({ maxOrdersPerWorkflow });
      for (const orderId of orderIds('abcde')) {
        starter.startSoon(orderId);
        await turn();
      }
      for (let start = 0; start < 4; start += 1) await completeStartCall();
      failToPublish('order-a');
      await turn();
      assert.deepEqual(started.slice(4), next);
    });
  }

  it('leaves an order alone that was assigned to another workflow in the meantime', async () => {
    const { starter, started, taken, finishAll } = setUp();
    taken.add('b');
    for (const orderId of orderIds('abc')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([, ...ids]) => ids),
      [['a'], ['c']],
    );
  });

  it('retries the same group under the same workflow id while Temporal is unavailable', async () => {
    const { starter, started, failWith, finishAll } = setUp();
    failWith(new TemporalUnavailable('unavailable'));
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

  it('starts the next order after Temporal refuses one', async () => {
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

  it('starts the orders of the reconciler in groups and tries those of a refused group one by one', async () => {
    const { starter, started, failWith, finishAll } = setUp({ maxOrdersPerWorkflow: 2 });
    failWith(new Error('refused'));
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, []);
    assert.match(started[0]?.[0] ?? '', /^orders-/);
    assert.deepEqual(
      started
        .slice(1)
        .flatMap(([, ...ids]) => ids)
        .sort(),
      orderIds('abcde'),
    );
    assert.deepEqual(
      started
        .filter(([id]) => id?.startsWith('order-'))
        .map(([id]) => id)
        .sort(),
      ['order-a', 'order-b', 'order-e'],
    );
  });

  it('starts the other orders of a group when Temporal refuses one of them', async () => {
    const refused = new Set(['c']);
    const { starter, started, finishAll } = setUp({ maxOrdersPerWorkflow: 50, refused });
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, []);
    const successful = started.filter((call) => !call.includes('c')).flatMap(([, ...ids]) => ids);
    assert.deepEqual(successful.sort(), orderIds('abde'));
  });

  it('returns the orders that it could not start while Temporal is unavailable', async () => {
    const { starter, failWith, finishAll } = setUp({ maxOrdersPerWorkflow: 2 });
    failWith(new TemporalUnavailable('unavailable'));
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, ['a', 'b']);
  });

  it('starts an order under another id when an unrelated workflow has the usual one', async () => {
    const { starter, started, finishAll } = setUp({ takenIds: new Set(['order-a']) });
    starter.startSoon('a');
    await finishAll();
    assert.equal(started.length, 2);
    assert.match(started[1]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[1]?.slice(1), ['a']);
  });

  it('asks a workflow that is already running for the order to check now', async () => {
    const { starter, checked, finishAll } = setUp({ runningIds: new Set(['order-a']) });
    starter.startSoon('a');
    await finishAll();
    assert.deepEqual(checked, ['order-a']);
  });

  it('drops waiting orders and accepts no more once it is stopped', async () => {
    const { starter, started, turn, finishAll } = setUp();
    for (const orderId of orderIds('abcdef')) starter.startSoon(orderId);
    await turn();
    const stopped = starter.stop();
    await finishAll();
    await stopped;
    starter.startSoon('g');
    await turn();
    assert.deepEqual(
      started.map(([workflowId]) => workflowId),
      orderIds('abcd').map((id) => `order-${id}`),
    );
  });
});

function orderIds(letters: string): string[] {
  return Array.from(letters);
}

interface Situation {
  maxOrdersPerWorkflow?: number;
  /** Orders whose workflows Temporal refuses to start. */
  refused?: ReadonlySet<string>;
  takenIds?: ReadonlySet<string>;
  runningIds?: ReadonlySet<string>;
}

function setUp({ maxOrdersPerWorkflow = 100, refused, takenIds, runningIds }: Situation = {}) {
  /** The workflow id and the order ids of each start call. */
  const started: string[][] = [];
  const checked: string[] = [];
  const open: { workflowId: string; complete: () => void }[] = [];
  const taken = new Set<string>();
  let failure: Error | undefined;
  const fakeStore: Pick<OrderStore, 'assignWorkflow'> = {
    assignWorkflow: async (orders: readonly PendingOrder[]) =>
      orders.map(({ orderId }) => orderId).filter((orderId) => !taken.has(orderId)),
  };
  const fakeClient: Pick<OrderWorkflowClient, 'start' | 'signalCheckNow'> = {
    start: async (workflowId, { orderIds }) => {
      started.push([workflowId, ...orderIds]);
      await new Promise<void>((complete) => open.push({ workflowId, complete }));
      const error = failure;
      failure = undefined;
      if (error) throw error;
      if (orderIds.some((id) => refused?.has(id))) throw new Error('refused');
      if (runningIds?.has(workflowId)) return 'running';
      return takenIds?.has(workflowId) ? 'taken' : 'started';
    },
    signalCheckNow: async (workflowId) => checked.push(workflowId) > 0,
  };
  const firstEvents = createFirstEvents(maxOrdersPerWorkflow);
  const starter = createWorkflowStarter({
    client: fakeClient,
    store: fakeStore,
    maxOrdersPerWorkflow,
    checkAfterMs: 30_000,
    firstEvents,
    logger: testLogger,
  });
  const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
  /** Lets the oldest open start call return, and returns the id of its workflow. */
  const completeStartCall = async () => {
    const call = open.shift();
    call?.complete();
    await turn();
    return call?.workflowId;
  };
  const publishEvents = (workflowId: string) => firstEvents.attempted(workflowId, true);
  const failToPublish = (workflowId: string) => firstEvents.attempted(workflowId, false);
  /** Lets every start publish its first events, until no start is left. */
  const finishAll = async () => {
    for (let quiet = 0; quiet < 3; quiet = open.length > 0 ? 0 : quiet + 1) {
      const workflowId = await completeStartCall();
      if (workflowId !== undefined) publishEvents(workflowId);
      await turn();
    }
  };
  /** Lets the oldest start publish its first events. */
  const finishStart = async () => {
    const workflowId = await completeStartCall();
    if (workflowId !== undefined) publishEvents(workflowId);
    await turn();
  };
  const failWith = (error: Error) => (failure = error);
  return {
    starter,
    started,
    checked,
    finishStart,
    taken,
    turn,
    completeStartCall,
    publishEvents,
    failToPublish,
    finishAll,
    failWith,
  };
}
