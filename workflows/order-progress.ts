import { condition, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { liveDetailsOf, type Step } from './live-details.js';
import {
  isDecided,
  isOpen,
  isOverdue,
  isUnderWay,
  onlyStragglersAreLeft,
  resultOf,
  statusOf,
  takeNews,
  trackedOrdersOf,
  type News,
  type TrackedOrder,
} from './tracked-order.js';
import {
  outcomeReady,
  overdue,
  searchAttributes,
  settled,
  stageQuery,
  type LifecycleStage,
  type OrderLifecycleInput,
  type OrderLifecycleResult,
  type OutcomeSignal,
} from './messages.js';

/** What a workflow knows of its orders, and how it tells people: stage query, search attributes, live details. */
export interface OrderProgress {
  readonly ids: readonly string[];
  /** One order's id, or how many there are, for people. */
  nameOf(ids: readonly string[]): string;
  /** Takes note of orders that are known to be settled, as the signal does. */
  noteSettled(events: readonly OutcomeSignal[]): void;
  /** The ids of orders for which there is something to publish; each is answered with once. */
  takeNews(): News;
  /**
   * Waits for an order to take or for the settlement of the last. Without limit, until only stragglers are left of
   * several orders; then no longer than the input says: `none`. News may be gone by the time it is read, when what was
   * decided is settled in the same moment: then `takeNews` has nothing.
   */
  untilNews(): Promise<'news' | 'none'>;
  /** The orders that are open: they go on in other workflows from here. */
  leave(): TrackedOrder[];
  /** True when no order is left: all are settled or have moved. */
  areSettled(): boolean;
  /** Shows all orders as settled and returns how they ended. */
  settle(): OrderLifecycleResult;
}

/**
 * Starts listening for the signals of all orders, before anything else happens, so that an early one is not missed. A
 * signal that was already had is ignored: they are sent at least once.
 */
export function followOrders(input: OrderLifecycleInput): OrderProgress {
  const all = trackedOrdersOf(input);
  const orders = new Map(all.map((order) => [order.id, order]));
  const ids = all.map(({ id }) => id);
  let stage: LifecycleStage = 'publishingCreated';
  const steps: Step[] = [{ stage, at: Date.now() }];

  const describe = (): void => setCurrentDetails(liveDetailsOf(all, steps));
  /** What is known of an order stays as it was first heard. */
  const note = (fact: 'outcome' | 'settlement', events: readonly OutcomeSignal[]): void => {
    for (const { orderId, status, version } of events) {
      const order = orderId === undefined ? all[0] : orders.get(orderId);
      if (order) order[fact] ??= { status, version };
    }
    describe();
  };
  setHandler(outcomeReady, (...events) => note('outcome', events));
  setHandler(settled, (...events) => note('settlement', events));
  setHandler(overdue, (...late) => {
    for (const order of all) order.overdue ||= late.includes(order.id);
  });
  setHandler(stageQuery, () => stage);

  const areSettled = (): boolean => !all.some(isOpen);
  const isNews = (): boolean => areSettled() || all.some(isDecided) || all.some(isOverdue);
  const enter = (next: LifecycleStage): void => {
    if (next === stage) return;
    stage = next;
    steps.push({ stage, at: Date.now() });
    upsertSearchAttributes([
      { key: searchAttributes.orderStage, value: stage },
      { key: searchAttributes.orderStatus, value: areSettled() ? statusOf(all) : 'pending' },
    ]);
    describe();
  };
  describe();

  return {
    ids,
    nameOf: (some) => (some.length === 1 ? String(some[0]) : `${some.length} orders`),
    noteSettled: (events) => {
      if (events.length > 0) note('settlement', events);
    },
    areSettled,
    takeNews: () => {
      const news = takeNews(all);
      if (news.decided.length > 0) {
        // A group stays where the last of its orders is.
        if (all.every(isUnderWay)) enter('publishingProcessed');
        describe();
      }
      return news;
    },
    untilNews: async () => {
      enter(all.every(isUnderWay) ? 'awaitingSettlement' : 'awaitingOutcome');
      await condition(() => isNews() || onlyStragglersAreLeft(all));
      // Both may have changed since: what a condition sees and what follows it are different moments.
      if (isNews() || !onlyStragglersAreLeft(all) || !('stragglerAfterMs' in input)) return 'news';
      return (await condition(isNews, input.stragglerAfterMs)) ? 'news' : 'none';
    },
    leave: () => {
      const left = all.filter(isOpen);
      for (const order of left) order.moved = true;
      describe();
      return left;
    },
    settle: () => {
      enter('settled');
      return resultOf(all);
    },
  };
}
