import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { orderIds, setUpStarter, stopStarters } from '../../../infra/dev/testing/workflow-starter-fixture.js';

describe('the workflow starter', () => {
  afterEach(stopStarters);

  it('starts each order at once, in its own workflow, while it is idle', async () => {
    const { starter, started, finishAll } = setUpStarter();
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
    const { starter, started, turn } = setUpStarter();
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
    const { starter, started, turn, finishStart } = setUpStarter();
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
    const { starter, started, turn, finishStart } = setUpStarter();
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
    const { starter, started, turn, publishEvents, completeStartCall } = setUpStarter();
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
    const { starter, started, turn, publishEvents, completeStartCall } = setUpStarter();
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    publishEvents('order-a');
    await completeStartCall();
    assert.deepEqual(started.at(-1), ['order-e', 'e']);
  });

  it('slows starts down, but does not block them, when no first events are reported', async () => {
    const { starter, started, turn, completeStartCall } = setUpStarter({ firstEventsMaxWaitMs: 50 });
    for (const orderId of orderIds('abcde')) {
      starter.startSoon(orderId);
      await turn();
    }
    await completeStartCall();
    assert.equal(started.length, 4);
    await sleep(100);
    assert.equal(started.length, 5);
  });

  it('gives no workflow more orders than the limit', async () => {
    const { starter, started, finishAll } = setUpStarter({ maxOrdersPerWorkflow: 3 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map((call) => call.length - 1),
      [1, 1, 1, 1, 3, 1],
    );
  });

  it('gives every order its own workflow in strict mode', async () => {
    const { starter, started, finishAll } = setUpStarter({ maxOrdersPerWorkflow: 1 });
    for (const orderId of orderIds('abcdefgh')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([workflowId]) => workflowId).sort(),
      orderIds('abcdefgh').map((id) => `order-${id}`),
    );
  });

  it('starts the next order in strict mode only when the first events of another are published', async () => {
    const { starter, started, turn, completeStartCall, publishEvents } = setUpStarter({ maxOrdersPerWorkflow: 1 });
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
      const { starter, started, turn, completeStartCall, failToPublish } = setUpStarter({ maxOrdersPerWorkflow });
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

  it('drops waiting orders and accepts no more once it is stopped', async () => {
    const { starter, started, turn, finishAll } = setUpStarter();
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
