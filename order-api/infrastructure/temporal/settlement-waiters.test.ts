import assert from 'node:assert/strict';
import { createSettlementWaiters } from './settlement-waiters.js';

const settled = (orderId: string) => ({ orderId, status: 'done', version: 2 }) as const;

function setUp(lookupDelaysMs: readonly number[] = []) {
  const database = new Map<string, ReturnType<typeof settled>>();
  const queries: string[][] = [];
  const waiters = createSettlementWaiters({
    lookupDelaysMs,
    findSettled: async (orderIds) => {
      queries.push([...orderIds]);
      return orderIds.flatMap((id) => database.get(id) ?? []);
    },
  });
  return { waiters, database, queries };
}

describe('the settlement waiters', () => {
  it('hand settled orders to a waiting task without a database query', async () => {
    const { waiters, queries } = setUp([1000]);
    const waited = waiters.wait(['o-1', 'o-2'], 5000);
    assert.equal(waiters.handOver(settled('o-2')), true);
    assert.equal(waiters.handOver(settled('o-1')), true);
    assert.deepEqual(await waited, [settled('o-2'), settled('o-1')]);
    assert.deepEqual(queries, []);
  });

  it('report that no task waits for an order before a wait begins and after it ends', async () => {
    const { waiters } = setUp();
    assert.equal(waiters.handOver(settled('o-1')), false);
    const waited = waiters.wait(['o-1'], 5000);
    assert.equal(waiters.handOver(settled('o-1')), true);
    await waited;
    assert.equal(waiters.handOver(settled('o-1')), false);
  });

  it('query the database for orders that another instance has settled', async () => {
    const { waiters, database, queries } = setUp([10, 20, 30]);
    const waited = waiters.wait(['o-1', 'o-2'], 5000);
    waiters.handOver(settled('o-1'));
    database.set('o-2', settled('o-2'));
    assert.deepEqual(
      (await waited).map(({ orderId }) => orderId),
      ['o-1', 'o-2'],
    );
    assert.deepEqual(queries, [['o-2']]);
  });

  it('return the orders settled so far when their time is up', async () => {
    const { waiters } = setUp();
    const waited = waiters.wait(['o-1', 'o-2'], 20);
    waiters.handOver(settled('o-1'));
    assert.deepEqual(await waited, [settled('o-1')]);
    assert.equal(waiters.handOver(settled('o-2')), false);
  });

  it('query the database at once when they have no time to wait', async () => {
    const { waiters, database } = setUp();
    database.set('o-1', settled('o-1'));
    assert.deepEqual(await waiters.wait(['o-1', 'o-2'], 0), [settled('o-1')]);
  });

  it('hand an order to both of two tasks that wait for it', async () => {
    const { waiters } = setUp();
    const both = [waiters.wait(['o-1'], 5000), waiters.wait(['o-1'], 5000)];
    waiters.handOver(settled('o-1'));
    assert.deepEqual(await Promise.all(both), [[settled('o-1')], [settled('o-1')]]);
  });

  it('fail when the database is unavailable and leave no waiter behind', async () => {
    const waiters = createSettlementWaiters({
      lookupDelaysMs: [5],
      findSettled: () => Promise.reject(new Error('the database is unavailable')),
    });
    await assert.rejects(waiters.wait(['o-1'], 5000), /unavailable/);
    assert.equal(waiters.handOver(settled('o-1')), false);
  });
});
