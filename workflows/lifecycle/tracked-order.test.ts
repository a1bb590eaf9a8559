import assert from 'node:assert/strict';
import type { LifecycleStage, OrderOutcome } from '../contract/messages.js';
import {
  isOpen,
  isProgress,
  knownFactsOf,
  recordFacts,
  resultOf,
  stageWhilePublishing,
  stageWhileWaiting,
  takeDuePublishes,
  trackedOrdersOf,
  type TrackedOrder,
} from './tracked-order.js';

const done = (orderId: string): OrderOutcome => ({ orderId, status: 'done', version: 2 });
const failed = (orderId: string): OrderOutcome => ({ orderId, status: 'failed', version: 2 });

/** What a workflow can learn or do, by name; each acts on the orders `a` and, in a group, `b`. */
const steps = {
  'the outcome of a is known': ({ byId }: Given) => recordFacts(byId, 'outcome', [done('a')]),
  'the outcome of b is known': ({ byId }: Given) => recordFacts(byId, 'outcome', [done('b')]),
  'the due outcomes are published': ({ orders }: Given) => takeDuePublishes(orders),
  'a is settled': ({ byId }: Given) => recordFacts(byId, 'settled', [done('a')]),
  'b is settled': ({ byId }: Given) => recordFacts(byId, 'settled', [failed('b')]),
} as const;

interface Given {
  readonly orders: TrackedOrder[];
  readonly byId: Map<string, TrackedOrder>;
}

function given(...orderIds: string[]): Given {
  const orders = trackedOrdersOf({ orderIds, checkAfterMs: 1000 });
  return { orders, byId: new Map(orders.map((order) => [order.id, order])) };
}

describe('the orders that a workflow tracks', () => {
  const transitions: readonly {
    readonly orders: readonly string[];
    readonly when: readonly (keyof typeof steps)[];
    readonly waiting: LifecycleStage;
    readonly hasProgress: boolean;
    readonly open: number;
  }[] = [
    { orders: ['a'], when: [], waiting: 'awaitingOutcome', hasProgress: false, open: 1 },
    { orders: ['a'], when: ['the outcome of a is known'], waiting: 'awaitingOutcome', hasProgress: true, open: 1 },
    {
      ...{ orders: ['a'], when: ['the outcome of a is known', 'the due outcomes are published'] },
      ...{ waiting: 'awaitingSettlement', hasProgress: false, open: 1 },
    },
    {
      ...{ orders: ['a'], when: ['the outcome of a is known', 'the due outcomes are published', 'a is settled'] },
      ...{ waiting: 'awaitingSettlement', hasProgress: true, open: 0 },
    },
    { orders: ['a'], when: ['a is settled'], waiting: 'awaitingSettlement', hasProgress: true, open: 0 },
    {
      ...{ orders: ['a'], when: ['a is settled', 'the outcome of a is known'] },
      ...{ waiting: 'awaitingSettlement', hasProgress: true, open: 0 },
    },
    {
      ...{ orders: ['a', 'b'], when: ['the outcome of a is known', 'the due outcomes are published'] },
      ...{ waiting: 'awaitingOutcome', hasProgress: false, open: 2 },
    },
    { orders: ['a', 'b'], when: ['a is settled'], waiting: 'awaitingOutcome', hasProgress: false, open: 1 },
    {
      ...{ orders: ['a', 'b'], when: ['a is settled', 'the outcome of b is known', 'the due outcomes are published'] },
      ...{ waiting: 'awaitingSettlement', hasProgress: false, open: 1 },
    },
    {
      ...{ orders: ['a', 'b'], when: ['a is settled', 'b is settled'] },
      ...{ waiting: 'awaitingSettlement', hasProgress: true, open: 0 },
    },
  ];

  for (const { orders: ids, when, waiting, hasProgress, open } of transitions) {
    const what = when.length > 0 ? `after: ${when.join(', then ')}` : 'at the start';
    it(`leave a workflow of ${ids.length} in the stage ${waiting}, ${open} of them open, ${what}`, () => {
      const situation = given(...ids);
      for (const step of when) steps[step](situation);
      assert.equal(stageWhileWaiting(situation.orders), waiting);
      assert.equal(isProgress(situation.orders), hasProgress);
      assert.equal(situation.orders.filter(isOpen).length, open);
    });
  }

  it('put the workflow in the stage publishingProcessed once the outcome of the last order is published', () => {
    const { orders, byId } = given('a', 'b');
    recordFacts(byId, 'outcome', [done('a')]);
    takeDuePublishes(orders);
    assert.equal(stageWhilePublishing(orders), undefined);
    recordFacts(byId, 'outcome', [done('b')]);
    takeDuePublishes(orders);
    assert.equal(stageWhilePublishing(orders), 'publishingProcessed');
  });

  it('are due for publishing once each', () => {
    const { orders, byId } = given('a', 'b');
    recordFacts(byId, 'outcome', [done('a')]);
    assert.deepEqual(
      takeDuePublishes(orders).map(({ id }) => id),
      ['a'],
    );
    assert.deepEqual(takeDuePublishes(orders), []);
  });

  it('are not due for publishing once they are settled', () => {
    const { orders, byId } = given('a');
    recordFacts(byId, 'outcome', [done('a')]);
    recordFacts(byId, 'settled', [done('a')]);
    assert.deepEqual(takeDuePublishes(orders), []);
  });

  it('keep the first fact of each kind and ignore facts about other orders', () => {
    const { orders, byId } = given('a');
    assert.equal(recordFacts(byId, 'settled', [done('a'), failed('a'), done('x')]).length, 1);
    assert.deepEqual(recordFacts(byId, 'settled', [failed('a')]), []);
    assert.deepEqual(orders[0]?.settled, done('a'));
  });

  it('are known to a run that continues this one as they were', () => {
    const { orders, byId } = given('a', 'b', 'c');
    recordFacts(byId, 'outcome', [done('a'), failed('b')]);
    recordFacts(byId, 'settled', [done('a')]);
    const input = { orderIds: ['a', 'b', 'c'], checkAfterMs: 1000, known: knownFactsOf(orders) };
    assert.deepEqual(trackedOrdersOf(input), orders);
  });

  it('end with status and version when there is one, and with counts when there are more', () => {
    const [one, group] = [given('a'), given('a', 'b', 'c')];
    recordFacts(one.byId, 'settled', [failed('a')]);
    assert.deepEqual(resultOf(one.orders), { status: 'failed', version: 2 });
    recordFacts(group.byId, 'settled', [done('a'), failed('b'), done('c')]);
    assert.deepEqual(resultOf(group.orders), { done: 2, failed: 1 });
  });
});
