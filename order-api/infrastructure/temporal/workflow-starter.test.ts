import assert from 'node:assert/strict';
import { TemporalUnavailable } from '../../../infra/temporal/outage.js';
import { testLogger } from '../../../infra/dev/testing/test-logger.js';
import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { OrderStore, PendingOrder } from '../../application/ports.js';
import { createFirstEvents } from './first-events.js';
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

  it('starts orders that come singly at once, up to four beside one another', async () => {
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

  it('has orders that come while all starts are in flight leave together, once the last of these is done', async () => {
    const { starter, started, turn, finishStart } = setUp();
    for (const orderId of orderIds('abcdefg')) {
      starter.startSoon(orderId);
      await turn();
    }
    for (const left of [3, 2, 1]) {
      assert.equal(started.length, 4, `${left} more are in flight`);
      await finishStart();
    }
    await finishStart();
    assert.match(started[4]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[4]?.slice(1), ['e', 'f', 'g']);
  });

  it('starts nothing beside several orders that share a workflow: more starts only make smaller groups', async () => {
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

  it('counts a start until the first events of its workflow are out', async () => {
    const { starter, started, turn, publishEvents, answerStart } = setUp();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    await answerStart();
    assert.equal(started.length, 4);
    publishEvents('order-a');
    await turn();
    assert.deepEqual(started.at(-1), ['order-e', 'e']);
  });

  it('counts first events that are out before the start is answered', async () => {
    const { starter, started, turn, publishEvents, answerStart } = setUp();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    publishEvents('order-a');
    await answerStart();
    assert.deepEqual(started.at(-1), ['order-e', 'e']);
  });

  it('only slows starts down when nobody hears of first events, as while RabbitMQ is unavailable', async () => {
    const { starter, started, turn, answerStart } = setUp();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    await answerStart();
    assert.equal(started.length, 4);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(started.length, 5);
  });

  it('gives no workflow more orders than it may', async () => {
    const { starter, started, finishAll } = setUp({ maxOrdersPerWorkflow: 3 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map((call) => call.length - 1),
      [1, 1, 1, 1, 3, 1],
    );
  });

  it('gives every order a workflow of its own in strict mode', async () => {
    const { starter, started, finishAll } = setUp({ maxOrdersPerWorkflow: 1 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([workflowId]) => workflowId).sort(),
      orderIds('abcdefgh').map((id) => `order-${id}`),
    );
  });

  it('keeps a backlog of starts out of Temporal in strict mode: the next leaves when first events are out', async () => {
    const { starter, started, turn, answerStart, publishEvents } = setUp({ maxOrdersPerWorkflow: 1 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await turn();
    for (let start = 0; start < 4; start += 1) await answerStart();
    assert.equal(started.length, 4, 'four starts are answered, and none of their events are out');
    publishEvents('order-c');
    await turn();
    assert.deepEqual(started.slice(4), [['order-e', 'e']]);
  });

  for (const { mode, maxOrdersPerWorkflow, next } of [
    { mode: 'starts the next order in strict mode', maxOrdersPerWorkflow: 1, next: [['order-e', 'e']] },
    { mode: 'gathers more orders where they share a workflow', maxOrdersPerWorkflow: 100, next: [] },
  ]) {
    it(`${mode} when RabbitMQ does not take the first events`, async () => {
      const { starter, started, turn, answerStart, failToPublish } = setUp({ maxOrdersPerWorkflow });
      for (const orderId of orderIds('abcde')) {
        starter.startSoon(orderId);
        await turn();
      }
      for (let start = 0; start < 4; start += 1) await answerStart();
      failToPublish('order-a');
      await turn();
      assert.deepEqual(started.slice(4), next);
    });
  }

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

  it('starts what a reconciler found in groups, and tries the orders of a group that is refused one by one', async () => {
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

  it('holds up nobody for an order that Temporal refuses', async () => {
    const refused = new Set(['c']);
    const { starter, started, finishAll } = setUp({ maxOrdersPerWorkflow: 50, refused });
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, []);
    const successful = started.filter((call) => !call.includes('c')).flatMap(([, ...ids]) => ids);
    assert.deepEqual(successful.sort(), orderIds('abde'));
  });

  it('names the orders that it could not start while Temporal is unavailable', async () => {
    const { starter, failWith, finishAll } = setUp({ maxOrdersPerWorkflow: 2 });
    failWith(new TemporalUnavailable('unavailable'));
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, ['a', 'b']);
  });

  it('starts an order under another id when a workflow that is not ours has its own', async () => {
    const { starter, started, finishAll } = setUp({ takenIds: new Set(['order-a']) });
    starter.startSoon('a');
    await finishAll();
    assert.equal(started.length, 2);
    assert.match(started[1]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[1]?.slice(1), ['a']);
  });

  it('asks a workflow of the order that is running already to look for itself', async () => {
    const { starter, checked, finishAll } = setUp({ runningIds: new Set(['order-a']) });
    starter.startSoon('a');
    await finishAll();
    assert.deepEqual(checked, ['order-a']);
  });

  it('stopping gives up what waits, and takes nothing more', async () => {
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
  /** Each call's workflow and orders. */
  const started: string[][] = [];
  const checked: string[] = [];
  const open: { workflowId: string; answer: () => void }[] = [];
  const taken = new Set<string>();
  let failure: Error | undefined;
  const fakeStore: Pick<OrderStore, 'assignWorkflow'> = {
    assignWorkflow: async (orders: readonly PendingOrder[]) =>
      orders.map(({ orderId }) => orderId).filter((orderId) => !taken.has(orderId)),
  };
  const fakeClient: Pick<OrderWorkflowClient, 'start' | 'signalCheckNow'> = {
    start: async (workflowId, { orderIds }) => {
      started.push([workflowId, ...orderIds]);
      await new Promise<void>((answer) => open.push({ workflowId, answer }));
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
  /** Lets the oldest open call that starts a workflow return, and tells which workflow it was. */
  const answerStart = async () => {
    const call = open.shift();
    call?.answer();
    await turn();
    return call?.workflowId;
  };
  const publishEvents = (workflowId: string) => firstEvents.attempted(workflowId, true);
  const failToPublish = (workflowId: string) => firstEvents.attempted(workflowId, false);
  /** Lets every start come to its first events, until no more come. */
  const finishAll = async () => {
    for (let quiet = 0; quiet < 3; quiet = open.length > 0 ? 0 : quiet + 1) {
      const workflowId = await answerStart();
      if (workflowId !== undefined) publishEvents(workflowId);
      await turn();
    }
  };
  /** Lets the oldest start come to its first events. */
  const finishStart = async () => {
    const workflowId = await answerStart();
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
    answerStart,
    publishEvents,
    failToPublish,
    finishAll,
    failWith,
  };
}
