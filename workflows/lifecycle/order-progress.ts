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
  awaitsPublish,
  awaitsSettlementOnly,
  isOpen,
  resultOf,
  trackedOrdersOf,
  type TrackedOrder,
} from './tracked-order.js';

/** What a workflow knows of its orders, and how it tells people: stage query, search attributes, live details. */
export interface OrderProgress {
  /** Of the orders that are not settled, as far as this workflow knows. */
  openIds(): string[];
  /** Of the open orders whose outcome is not known. */
  undecidedIds(): string[];
  /** The open orders whose outcome is to be published; each is returned once. */
  takeDecidedIds(): string[];
  areOpen(): boolean;
  /** Records the outcomes in a signal or an activity's result. What makes no sense is ignored with a log line. */
  recordOutcomes(result: unknown): void;
  /** Records outcomes that were published by the activity that tells of them. */
  recordPublishedOutcomes(result: unknown): void;
  /** Records the outcomes that the order API has applied. */
  recordSettled(result: unknown): void;
  /** Adds a line to the story that people read. */
  tell(text: string): void;
  /** Waits for an outcome to publish or for the last order to be settled, until `maxWaitMs` have passed or somebody asks. */
  waitForProgress(maxWaitMs: number): Promise<'progress' | 'nothing heard' | 'asked to look'>;
  /** How much was learned so far: it grows with every new fact. */
  factCount(): number;
  /** The input of a run that continues this one. */
  toInput(): OrderLifecycleInput;
  /** Shows all orders as settled and returns how they ended. */
  complete(): OrderLifecycleResult;
}

/**
 * Starts listening for the signals of all orders, before anything else happens, so that an early one is not missed. A
 * signal that the workflow has already had is ignored: the first fact of a kind stays.
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
    const changed = outcomes.flatMap(({ orderId, status, version }) => {
      const order = orders.get(orderId);
      if (!order || order[fact]) return [];
      order[fact] = { orderId, status, version };
      return [order];
    });
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
    undecidedIds: () => idsOf(all.filter((order) => isOpen(order) && !order.outcome)),
    takeDecidedIds: () => {
      const decided = all.filter(awaitsPublish);
      for (const order of decided) order.outcomePublishRequested = true;
      // A group is where the last of its orders is.
      if (decided.length > 0 && all.every(awaitsSettlementOnly)) display.enter('publishingProcessed');
      return idsOf(decided);
    },
    areOpen,
    recordOutcomes: (result) => void record('outcome', result),
    recordPublishedOutcomes: (result) => {
      for (const order of record('outcome', result)) order.outcomePublishRequested = true;
    },
    recordSettled: (result) => void record('settled', result),
    tell: (text) => display.tell(text),
    waitForProgress: async (maxWaitMs) => {
      display.enter(all.every(awaitsSettlementOnly) ? 'awaitingSettlement' : 'awaitingOutcome');
      const isProgress = (): boolean => !areOpen() || all.some(awaitsPublish);
      const summary = `wait for news of ${nameOf(idsOf(all.filter(isOpen)))}, then look`;
      await condition(() => isProgress() || checkRequested, maxWaitMs, { summary });
      const asked = checkRequested;
      checkRequested = false;
      if (isProgress()) return 'progress';
      return asked ? 'asked to look' : 'nothing heard';
    },
    factCount: () => facts,
    toInput: () => ({
      ...input,
      known: {
        outcomes: all.flatMap(({ outcome }) => outcome ?? []),
        settled: all.flatMap(({ settled }) => settled ?? []),
      },
    }),
    complete: () => {
      display.enter('settled');
      return resultOf(all);
    },
  };
}

/** One order's id, or how many there are, for people. */
export function nameOf(ids: readonly string[]): string {
  return ids.length === 1 ? String(ids[0]) : `${ids.length} orders`;
}

function idsOf(orders: readonly TrackedOrder[]): string[] {
  return orders.map(({ id }) => id);
}
