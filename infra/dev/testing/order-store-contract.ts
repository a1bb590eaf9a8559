import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnknownOrder, type OrderStore } from '../../../order-api/application/ports.js';
import type { Outcome } from '../../../order-api/domain/order.js';
import { anOrder, done, failed, traceparent } from './order-fixtures.js';

const longLeaseMs = 60_000;

/**
 * Tests what every implementation of the port `OrderStore` promises to the use cases. Each implementation runs it.
 * @param createStore creates a store without orders, whose orders are due for their first check after `graceMs`
 */
export function itKeepsThePromisesOfOrderStore(createStore: (graceMs: number) => Promise<OrderStore>): void {
  let store: OrderStore;
  beforeEach(async () => {
    store = await createStore(0);
  });

  const place = (orderId: string) => store.place(anOrder(orderId), traceparent);
  const apply = (outcome: Outcome, eventKey = `order.processed:${outcome.orderId}:${outcome.version}`) =>
    store.applyOutcome(outcome, { eventKey, messageId: randomUUID() });
  const unassigned = (...orderIds: string[]) => orderIds.map((orderId) => ({ orderId, workflowId: null }));

  it('creates an order once, pending and without a workflow, and returns the first one for a repeat', async () => {
    const first = await place('o-1');
    assert.equal(first.created, true);
    assert.deepEqual([first.order.status, first.order.version, first.order.workflowId], ['pending', 1, null]);
    const other = await store.place({ ...anOrder('o-1'), customerId: 'c-2' }, traceparent);
    assert.deepEqual(other, { order: first.order, created: false });
  });

  it('creates one order when many requests for it arrive at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => place('o-1')));
    assert.equal(results.filter(({ created }) => created).length, 1);
  });

  it('finds an order that was placed, and undefined for another', async () => {
    const { order } = await place('o-1');
    assert.deepEqual(await store.find('o-1'), order);
    assert.equal(await store.find('O-1'), undefined);
  });

  it('applies an outcome once: a repeat of its event changes nothing', async () => {
    await place('o-1');
    const first = await apply(failed('o-1', 'out of stock'));
    assert.equal(first.result, 'applied');
    assert.deepEqual(
      [first.order.status, first.order.version, first.order.failureReason],
      ['failed', 2, 'out of stock'],
    );
    assert.deepEqual(await apply(failed('o-1', 'out of stock')), { order: first.order, result: 'repeated' });
  });

  for (const [title, outcome] of [
    ['another outcome at the same version', { ...failed('o-1', 'late'), version: 2 }],
    ['an outcome at a later version', { ...failed('o-1', 'late'), version: 3 }],
    ['an outcome at an earlier version', { ...failed('o-1', 'late'), version: 1 }],
  ] as const) {
    it(`leaves a settled order as it is when ${title} arrives`, async () => {
      await place('o-1');
      const { order } = await apply(done('o-1'));
      assert.deepEqual(await apply(outcome, `another-event-${outcome.version}`), { order, result: 'stale' });
      assert.deepEqual(await store.find('o-1'), order);
    });
  }

  it('lets one of many outcomes of an order win', async () => {
    await place('o-1');
    const outcomes = Array.from({ length: 10 }, (_, index) => ({ ...failed('o-1', `reason ${index}`), version: 2 }));
    const results = await Promise.all(outcomes.map((outcome, index) => apply(outcome, `event-${index}`)));
    assert.deepEqual(results.map(({ result }) => result).sort(), ['applied', ...Array<string>(9).fill('stale')]);
  });

  it('rejects an outcome for an order that does not exist, as often as it comes', async () => {
    await assert.rejects(apply(done('nobody')), UnknownOrder);
    await assert.rejects(apply(done('nobody')), UnknownOrder);
  });

  it('claims a pending order that is due once for each lease, with the workflow that it is assigned to', async () => {
    await place('o-1');
    await store.assignWorkflow(unassigned('o-1'), 'order-o-1');
    const due = [{ orderId: 'o-1', workflowId: 'order-o-1' }];
    assert.deepEqual(await store.claimPending(10, 0), due);
    assert.deepEqual(await store.claimPending(10, longLeaseMs), due);
    assert.deepEqual(await store.claimPending(10, longLeaseMs), []);
  });

  it('claims no order that is settled, and none before its first check is due', async () => {
    await place('o-1');
    await apply(done('o-1'));
    assert.deepEqual(await store.claimPending(10, 0), []);
    store = await createStore(longLeaseMs);
    await place('o-2');
    assert.deepEqual(await store.claimPending(10, 0), []);
  });

  it('claims at most the number asked for, the longest overdue first', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) {
      await place(orderId);
      await sleep(2);
    }
    const claim = async () => (await store.claimPending(2, longLeaseMs)).map(({ orderId }) => orderId);
    assert.deepEqual((await claim()).sort(), ['o-1', 'o-2']);
    assert.deepEqual(await claim(), ['o-3']);
  });

  it('claims no order again whose check was deferred', async () => {
    await place('o-1');
    await store.deferCheck(['o-1', 'nobody'], longLeaseMs);
    assert.deepEqual(await store.claimPending(10, 0), []);
  });

  it('assigns an order to the first workflow that asks for it, and a settled order to none', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
    await apply(done('o-3'));
    assert.deepEqual(await store.assignWorkflow(unassigned('o-1'), 'orders-1'), ['o-1']);
    assert.deepEqual(await store.assignWorkflow(unassigned('o-1', 'o-2', 'o-3', 'nobody'), 'orders-2'), ['o-2']);
    assert.deepEqual(await store.assignWorkflow(unassigned('o-1'), 'orders-1'), ['o-1'], 'asking again is harmless');
  });

  it('moves an order only from the workflow that the caller knows it to be in', async () => {
    await place('o-1');
    await store.assignWorkflow(unassigned('o-1'), 'orders-1');
    assert.deepEqual(await store.assignWorkflow([{ orderId: 'o-1', workflowId: 'orders-0' }], 'orders-2'), []);
    assert.deepEqual(await store.assignWorkflow([{ orderId: 'o-1', workflowId: 'orders-1' }], 'orders-2'), ['o-1']);
    assert.equal((await store.find('o-1'))?.workflowId, 'orders-2');
  });

  it('finds the outcomes of those orders that are settled', async () => {
    for (const orderId of ['o-1', 'o-2', 'o-3']) await place(orderId);
    await apply(failed('o-2', 'out of stock'));
    assert.deepEqual(await store.findSettled(['o-1', 'o-2', 'nobody']), [
      { orderId: 'o-2', status: 'failed', version: 2 },
    ]);
  });
}
