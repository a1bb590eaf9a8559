import { condition, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { liveDetailsOf, type Step } from './live-details.js';
import {
  isDecided,
  isOpen,
  isUnderWay,
  resultOf,
  statusOf,
  trackedOrdersOf,
  type TrackedOrder,
} from './tracked-order.js';
import {
  outcomeReady,
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
  /** The orders that are decided and not settled, and whose answer has not been asked for here before. */
  takeDecided(): string[];
  /**
   * Waits for an order to take or for the settlement of the last. Without limit, until only stragglers are left of
   * several orders; then no longer than the input says: `none`. News may be gone by the time it is read, when what was
   * decided is settled in the same moment: then `takeDecided` has nothing.
   */
  untilNews(): Promise<'news' | 'none'>;
  /** The orders that are left, which go on in workflows of their own from here. */
  takeStragglers(): TrackedOrder[];
  /** True when no order is left: all are settled or have moved. */
  areSettled(): boolean;
  /** Shows all orders as settled and returns how they ended. */
  settle(): OrderLifecycleResult;
}

/** Stragglers: at most this share of a group, and one in any case. An outage that holds up many moves none of them. */
const stragglerShare = 0.1;

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
  setHandler(stageQuery, () => stage);

  const open = (): TrackedOrder[] => all.filter(isOpen);
  const areSettled = (): boolean => !all.some(isOpen);
  const isNews = (): boolean => areSettled() || all.some(isDecided);
  const onlyStragglersAreLeft = (): boolean =>
    all.length > 1 && open().length <= Math.max(1, Math.floor(all.length * stragglerShare));
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
    takeDecided: () => {
      const decided = all.filter(isDecided);
      if (decided.length === 0) return [];
      for (const order of decided) order.taken = true;
      // A group stays where the last of its orders is.
      if (all.every(isUnderWay)) enter('publishingProcessed');
      describe();
      return decided.map(({ id }) => id);
    },
    untilNews: async () => {
      enter(all.every(isUnderWay) ? 'awaitingSettlement' : 'awaitingOutcome');
      await condition(() => isNews() || onlyStragglersAreLeft());
      // Both may have changed since: what a condition sees and what follows it are different moments.
      if (isNews() || !onlyStragglersAreLeft() || !('stragglerAfterMs' in input)) return 'news';
      return (await condition(isNews, input.stragglerAfterMs)) ? 'news' : 'none';
    },
    takeStragglers: () => {
      const stragglers = open();
      for (const order of stragglers) order.moved = true;
      describe();
      return stragglers;
    },
    settle: () => {
      enter('settled');
      return resultOf(all);
    },
  };
}
