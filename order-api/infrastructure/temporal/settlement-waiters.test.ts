import assert from 'node:assert/strict';
import { createSettlementWaiters } from './settlement-waiters.js';

const settled = (orderId: string) => ({ orderId, status: 'done', version: 2 }) as const;

function setUp(lookAfterMs: readonly number[] = []) {
  const database = new Map<string, ReturnType<typeof settled>>();
  const looks: string[][] = [];
  const waiters = createSettlementWaiters({
    lookAfterMs,
    findSettled: async (orderIds) => {
      looks.push([...orderIds]);
      return orderIds.flatMap((id) => database.get(id) ?? []);
    },
  });
  return { waiters, database, looks };
}

describe('settlement waiters', () => {
  it('hand settled orders to whoever waits for them, without asking the database', async () => {
    const { waiters, looks } = setUp([1000]);
    const waited = waiters.wait(['o-1', 'o-2'], 5000);
    assert.equal(waiters.handOver(settled('o-2')), true);
    assert.equal(waiters.handOver(settled('o-1')), true);
    assert.deepEqual(await waited, [settled('o-2'), settled('o-1')]);
    assert.deepEqual(looks, []);
  });

  it('tell when nobody waits for an order, or nobody does any more', async () => {
    const { waiters } = setUp();
    assert.equal(waiters.handOver(settled('o-1')), false);
    const waited = waiters.wait(['o-1'], 5000);
    assert.equal(waiters.handOver(settled('o-1')), true);
    await waited;
    assert.equal(waiters.handOver(settled('o-1')), false);
  });

  it('find what another instance has settled by looking into the database', async () => {
    const { waiters, database, looks } = setUp([10, 20, 30]);
    const waited = waiters.wait(['o-1', 'o-2'], 5000);
    waiters.handOver(settled('o-1'));
    database.set('o-2', settled('o-2'));
    assert.deepEqual(
      (await waited).map(({ orderId }) => orderId),
      ['o-1', 'o-2'],
    );
    assert.deepEqual(looks, [['o-2']]);
  });

  it('give up after the time they were given, with what there is', async () => {
    const { waiters } = setUp();
    const waited = waiters.wait(['o-1', 'o-2'], 20);
    waiters.handOver(settled('o-1'));
    assert.deepEqual(await waited, [settled('o-1')]);
    assert.equal(waiters.handOver(settled('o-2')), false);
  });

  it('only look, when they are given no time', async () => {
    const { waiters, database } = setUp();
    database.set('o-1', settled('o-1'));
    assert.deepEqual(await waiters.wait(['o-1', 'o-2'], 0), [settled('o-1')]);
  });

  it('serve two who wait for the same order', async () => {
    const { waiters } = setUp();
    const both = [waiters.wait(['o-1'], 5000), waiters.wait(['o-1'], 5000)];
    waiters.handOver(settled('o-1'));
    assert.deepEqual(await Promise.all(both), [[settled('o-1')], [settled('o-1')]]);
  });

  it('fail when the database cannot be asked, and keep nobody then', async () => {
    const waiters = createSettlementWaiters({
      lookAfterMs: [5],
      findSettled: () => Promise.reject(new Error('the database is unavailable')),
    });
    await assert.rejects(waiters.wait(['o-1'], 5000), /unavailable/);
    assert.equal(waiters.handOver(settled('o-1')), false);
  });
});
