import { condition, log, setHandler } from '@temporalio/workflow';
import {
  checkNowSignal,
  outcomeReadySignal,
  settledSignal,
  stageQuery,
  type OrderLifecycleInput,
  type OrderLifecycleResult,
} from '../contract/messages.js';
import { parseOutcomes } from './parse-facts.js';
import { displayProgress } from './progress-display.js';
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

/** What a workflow knows about its orders; it shows this in the stage query, search attributes and live details. */
export interface OrderProgress {
  /** Returns the ids of the orders that are not settled, as far as this workflow knows. */
  openIds(): string[];
  /** Returns the ids of the open orders whose outcome is not known. */
  createdToRepublish(): string[];
  /** Returns the ids of the open orders whose outcome this workflow must publish; each is returned once. */
  takeDuePublishes(): string[];
  areOpen(): boolean;
  /** Records the outcomes in a signal or an activity result. Invalid ones are ignored and logged. */
  recordOutcomes(result: unknown): void;
  /** Records outcomes that were published by the activity that returned them. */
  recordPublishedOutcomes(result: unknown): void;
  /** Records the outcomes that the order API has applied. */
  recordSettled(result: unknown): void;
  /** Adds a line to the live details. */
  tell(text: string): void;
  /** Waits until there is an outcome to publish, the last order is settled, a check is requested, or time is up. */
  waitForProgress(maxWaitMs: number): Promise<'progress' | 'nothing heard' | 'asked to look'>;
  /** Returns the number of facts that were recorded so far. */
  factCount(): number;
  /** Returns the input for a run that continues this one. */
  toInput(): OrderLifecycleInput;
  /** Displays the stage `settled` and returns how the orders ended. */
  complete(): OrderLifecycleResult;
}

/**
 * Registers the signal handlers for all orders. It must be called before anything else happens, so that no early signal
 * is missed. A repeated signal is ignored: the first fact of each kind about an order is kept.
 */
export function followOrders(input: OrderLifecycleInput): OrderProgress {
  const all = trackedOrdersOf(input);
  const orders = new Map(all.map((order) => [order.id, order]));
  const display = displayProgress(all);
  let facts = 0;
  let checkRequested = false;
  const record = (fact: 'outcome' | 'settled', value: unknown): TrackedOrder[] => {
    const { outcomes, invalid } = parseOutcomes(value);
    if (invalid > 0) log.warn('ignored what is not an outcome of an order', { fact, invalid });
    const changed = recordFacts(orders, fact, outcomes);
    facts += changed.length;
    if (changed.length > 0)
      display.tell(`${fact === 'settled' ? 'settled' : 'outcome known'}: ${nameOf(idsOf(changed))}`);
    return changed;
  };
  setHandler(outcomeReadySignal, (signal) => void record('outcome', signal));
  setHandler(settledSignal, (signal) => void record('settled', signal));
  setHandler(checkNowSignal, () => {
    checkRequested = true;
  });
  setHandler(stageQuery, () => display.stage());

  const areOpen = (): boolean => all.some(isOpen);
  return {
    openIds: () => idsOf(all.filter(isOpen)),
    createdToRepublish: () => idsOf(all.filter((order) => isOpen(order) && !order.outcome)),
    takeDuePublishes: () => {
      const due = takeDuePublishes(all);
      const stage = stageWhilePublishing(all);
      if (due.length > 0 && stage) display.enter(stage);
      return idsOf(due);
    },
    areOpen,
    recordOutcomes: (result) => void record('outcome', result),
    recordPublishedOutcomes: (result) => {
      for (const order of record('outcome', result)) order.outcomePublishRequested = true;
    },
    recordSettled: (result) => void record('settled', result),
    tell: (text) => display.tell(text),
    waitForProgress: async (maxWaitMs) => {
      display.enter(stageWhileWaiting(all));
      const summary = `wait for news of ${nameOf(idsOf(all.filter(isOpen)))}, then look`;
      await condition(() => isProgress(all) || checkRequested, maxWaitMs, { summary });
      const asked = checkRequested;
      checkRequested = false;
      if (isProgress(all)) return 'progress';
      return asked ? 'asked to look' : 'nothing heard';
    },
    factCount: () => facts,
    toInput: () => ({ ...input, known: knownFactsOf(all) }),
    complete: () => {
      display.enter('settled');
      return resultOf(all);
    },
  };
}

/** Returns a name for people: the id of a single order, or the number of orders. */
export function nameOf(ids: readonly string[]): string {
  return ids.length === 1 ? String(ids[0]) : `${ids.length} orders`;
}

function idsOf(orders: readonly TrackedOrder[]): string[] {
  return orders.map(({ id }) => id);
}
