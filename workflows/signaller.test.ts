import assert from 'node:assert/strict';
import { outcomeReady, settled, type OutcomeSignal } from './messages.js';
import { createSignaller } from './signaller.js';

const of = (orderId: string): OutcomeSignal => ({ orderId, status: 'done', version: 2 });

describe('the signaller', () => {
  it('signals a workflow once at a time and takes along what came meanwhile', async () => {
    const { signal, sent, answer } = setUp();
    const first = signal('orders-1', outcomeReady, of('a'));
    await answered(sent, 1);
    const others = ['b', 'c', 'd'].map((id) => signal('orders-1', outcomeReady, of(id)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(sent, ['outcomeReady orders-1 a']);
    answer(true);
    assert.equal(await first, true);
    await answered(sent, 2);
    assert.deepEqual(sent, ['outcomeReady orders-1 a', 'outcomeReady orders-1 b c d']);
    answer(false);
    assert.deepEqual(await Promise.all(others), [false, false, false]);
  });

  it('collects for a moment what comes for a group, and lets an order that is alone wait for nothing', async () => {
    const { signal, sent, answer } = setUp();
    const all = [signal('orders-1', outcomeReady, of('a')), signal('order-b', outcomeReady, of('b'))];
    await new Promise((resolve) => setTimeout(resolve, 5));
    all.push(signal('orders-1', outcomeReady, of('c')));
    assert.deepEqual(sent, ['outcomeReady order-b b']);
    await answered(sent, 2);
    assert.deepEqual(sent[1], 'outcomeReady orders-1 a c');
    answer(true);
    await Promise.all(all);
  });

  it('keeps no workflow waiting for another, and no kind of signal for the other', async () => {
    const { signal, sent, answer } = setUp();
    const all = [
      signal('orders-1', outcomeReady, of('a')),
      signal('orders-2', outcomeReady, of('b')),
      signal('orders-1', settled, of('c')),
    ];
    await answered(sent, 3);
    answer(true);
    assert.deepEqual(await Promise.all(all), [true, true, true]);
  });

  it('sends at most 100 events in one signal', async () => {
    const { signal, sent, answer } = setUp();
    const all = Array.from({ length: 101 }, (_, index) => signal('orders-1', outcomeReady, of(String(index))));
    await answered(sent, 1);
    answer(true);
    await answered(sent, 2);
    answer(true);
    await Promise.all(all);
    assert.deepEqual(
      sent.map((line) => line.split(' ').length - 2),
      [100, 1],
    );
  });

  it('fails every event of a signal that failed, and starts afresh with the next', async () => {
    const { signal, sent, answer } = setUp();
    const both = ['a', 'b'].map((id) => signal('orders-1', outcomeReady, of(id)));
    await answered(sent, 1);
    answer(new Error('Temporal is away'));
    for (const each of await Promise.allSettled(both)) assert.equal(each.status, 'rejected');
    const next = signal('orders-1', outcomeReady, of('c'));
    await answered(sent, 2);
    answer(true);
    assert.equal(await next, true);
  });
});

/** Signals are sent later. */
async function answered(sent: readonly string[], count: number): Promise<void> {
  for (let turn = 0; turn < 100 && sent.length < count; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(sent.length, count);
}

function setUp() {
  const sent: string[] = [];
  const open: ((result: boolean | Error) => void)[] = [];
  const signal = createSignaller((workflowId, definition, events) => {
    sent.push([definition.name, workflowId, ...events.map(({ orderId }) => orderId)].join(' '));
    return new Promise((resolve, reject) => {
      open.push((result) => (result instanceof Error ? reject(result) : resolve(result)));
    });
  });
  /** Answers every call that waits. */
  const answer = (result: boolean | Error) => open.splice(0).forEach((settle) => settle(result));
  return { signal, sent, answer };
}
