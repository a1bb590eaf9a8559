import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporalUnavailable } from '../../../infra/temporal/outage.js';
import { orderIds, setUpStarter, stopStarters } from '../../../infra/dev/testing/workflow-starter-fixture.js';

describe('the workflow starter, when a start does not work out,', () => {
  afterEach(stopStarters);

  it('leaves an order alone that was assigned to another workflow in the meantime', async () => {
    const { starter, started, taken, finishAll } = setUpStarter();
    taken.add('b');
    for (const orderId of orderIds('abc')) starter.startSoon(orderId);
    await finishAll();
    assert.deepEqual(
      started.map(([, ...ids]) => ids),
      [['a'], ['c']],
    );
  });

  it('retries the same group under the same workflow id while Temporal is unavailable', async () => {
    const { starter, started, failWith, finishAll } = setUpStarter({ outageDelayMs: 50 });
    failWith(new TemporalUnavailable('unavailable'));
    starter.startSoon('a');
    await finishAll();
    assert.equal(started.length, 1);
    await sleep(100);
    await finishAll();
    assert.deepEqual(started, [
      ['order-a', 'a'],
      ['order-a', 'a'],
    ]);
  });

  it('starts the next order after Temporal refuses one', async () => {
    const { starter, started, failWith, finishAll } = setUpStarter();
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
    const { starter, started, failWith, finishAll } = setUpStarter({ maxOrdersPerWorkflow: 2 });
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
    const { starter, started, finishAll } = setUpStarter({ maxOrdersPerWorkflow: 50, refused });
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, []);
    const successful = started.filter((call) => !call.includes('c')).flatMap(([, ...ids]) => ids);
    assert.deepEqual(successful.sort(), orderIds('abde'));
  });

  it('returns the orders that it could not start while Temporal is unavailable', async () => {
    const { starter, failWith, finishAll } = setUpStarter({ maxOrdersPerWorkflow: 2 });
    failWith(new TemporalUnavailable('unavailable'));
    const all = starter.startAll(orderIds('abcde').map((orderId) => ({ orderId, workflowId: null })));
    await finishAll();
    assert.deepEqual(await all, ['a', 'b']);
  });

  it('starts an order under another id when an unrelated workflow has the usual one', async () => {
    const { starter, started, finishAll } = setUpStarter({ takenIds: new Set(['order-a']) });
    starter.startSoon('a');
    await finishAll();
    assert.equal(started.length, 2);
    assert.match(started[1]?.[0] ?? '', /^orders-/);
    assert.deepEqual(started[1]?.slice(1), ['a']);
  });

  it('asks a workflow that is already running for the order to check now', async () => {
    const { starter, checked, finishAll } = setUpStarter({ runningIds: new Set(['order-a']) });
    starter.startSoon('a');
    await finishAll();
    assert.deepEqual(checked, ['order-a']);
  });
});
