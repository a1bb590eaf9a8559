import assert from 'node:assert/strict';
import fc from 'fast-check';
import { takeGroup } from './order-groups.js';

const orders = (count: number) => Array.from({ length: count }, (_, index) => ({ orderId: `o-${index}` }));

describe('takeGroup', () => {
  it('gives a single order the workflow that is named after it', () => {
    assert.deepEqual(takeGroup(orders(1), 100), { workflowId: 'order-o-0', orders: orders(1) });
  });

  it('gives each group of several orders a workflow with a new name', () => {
    const names = [1, 2, 3].map(() => takeGroup(orders(2), 100)?.workflowId ?? '');
    for (const name of names) assert.match(name, /^orders-[0-9a-f-]{36}$/);
    assert.equal(new Set(names).size, 3);
  });

  it('gives each order its own workflow when the limit is 1', () => {
    const waiting = orders(3);
    const ids = [1, 2, 3].map(() => takeGroup(waiting, 1)?.workflowId);
    assert.deepEqual(ids, ['order-o-0', 'order-o-1', 'order-o-2']);
    assert.equal(takeGroup(waiting, 1), undefined);
  });

  it('puts each order into one group, in sequence, and exceeds neither the limit nor 2,048 bytes of ids', () => {
    const id = fc.string({ minLength: 1, maxLength: 128, unit: 'binary' });
    fc.assert(
      fc.property(fc.array(id, { maxLength: 300 }), fc.integer({ min: 1, max: 100 }), (ids, limit) => {
        const waiting = ids.map((orderId) => ({ orderId }));
        const taken: string[] = [];
        for (let group = takeGroup(waiting, limit); group; group = takeGroup(waiting, limit)) {
          const members = group.orders.map(({ orderId }) => orderId);
          assert.ok(members.length >= 1 && members.length <= limit);
          assert.ok(members.length === 1 || Buffer.byteLength(JSON.stringify(members)) <= 2048);
          taken.push(...members);
        }
        assert.deepEqual(taken, ids);
      }),
    );
  });
});
