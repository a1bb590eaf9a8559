import { condition, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import {
  outcomeReady,
  searchAttributes,
  settled,
  stageQuery,
  type LifecycleStage,
  type OrderLifecycleInput,
  type OrderLifecycleResult,
  type OrderOutcome,
  type OutcomeSignal,
} from './messages.js';

/** What a workflow knows of its orders, and how it tells people: stage query, search attributes, live details. */
export interface OrderProgress {
  readonly ids: readonly string[];
  /** One order's id, or how many there are, for people. */
  nameOf(ids: readonly string[]): string;
  /** The orders that are decided and not settled, and whose answer has not been asked for here before. */
  takeDecided(): string[];
  /** Waits, without limit, for an order to take or for the settlement of the last. */
  untilNews(): Promise<void>;
  areSettled(): boolean;
  /** Shows all orders as settled and returns how they ended. */
  settle(): OrderLifecycleResult;
}

interface TrackedOrder {
  readonly id: string;
  /** The processor's decision, once it is known. */
  outcome?: OrderOutcome;
  /** What the order API has applied, once it has. */
  settlement?: OrderOutcome;
  taken: boolean;
}

/**
 * Starts listening for the signals of all orders, before anything else happens, so that an early one is not missed. A
 * signal that was already had is ignored: they are sent at least once.
 */
export function followOrders(input: OrderLifecycleInput): OrderProgress {
  const ids = 'orderId' in input ? [input.orderId] : [...input.orderIds];
  const orders = new Map<string, TrackedOrder>(ids.map((id) => [id, { id, taken: false }]));
  const all = [...orders.values()];
  let stage: LifecycleStage = 'publishingCreated';
  const steps = [step(stage)];

  const describe = (): void => setCurrentDetails(liveDetails(all, steps, stage));
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

  const areSettled = (): boolean => all.every(({ settlement }) => settlement !== undefined);
  const isDecided = ({ outcome, settlement, taken }: TrackedOrder): boolean =>
    outcome !== undefined && settlement === undefined && !taken;
  const nameOf = (some: readonly string[]): string => (some.length === 1 ? String(some[0]) : `${some.length} orders`);
  const enter = (next: LifecycleStage): void => {
    if (next === stage) return;
    stage = next;
    steps.push(step(stage));
    upsertSearchAttributes([
      { key: searchAttributes.orderStage, value: stage },
      { key: searchAttributes.orderStatus, value: areSettled() ? statusOf(all) : 'pending' },
    ]);
    describe();
  };
  describe();

  return {
    ids,
    nameOf,
    areSettled,
    takeDecided: () => {
      const decided = all.filter(isDecided);
      for (const order of decided) order.taken = true;
      // A group stays where the last of its orders is.
      if (decided.length > 0 && all.every(isUnderWay)) enter('publishingProcessed');
      describe();
      return decided.map(({ id }) => id);
    },
    untilNews: async () => {
      enter(all.every(isUnderWay) ? 'awaitingSettlement' : 'awaitingOutcome');
      await condition(() => areSettled() || all.some(isDecided));
    },
    settle: () => {
      enter('settled');
      const [first, ...others] = all.map(({ settlement }) => settlement);
      if (first === undefined) throw new Error('orders are settled only after their settlement is known');
      if (others.length === 0) return first;
      const done = all.filter(({ settlement }) => settlement?.status === 'done').length;
      return { done, failed: all.length - done };
    },
  };
}

/** Its answer has been asked for, or there is none to ask for any more. */
function isUnderWay({ taken, settlement }: TrackedOrder): boolean {
  return taken || settlement !== undefined;
}

/** Of several orders: failed, if one of them is. */
function statusOf(orders: readonly TrackedOrder[]): OrderOutcome['status'] {
  return orders.some(({ settlement }) => settlement?.status === 'failed') ? 'failed' : 'done';
}

/** Workflow time, so a replay shows the same. */
function step(stage: LifecycleStage): string {
  return `| ${stage} | ${new Date(Date.now()).toISOString()} |`;
}

/** Markdown, shown by Temporal Web UI while the workflow runs and after. */
function liveDetails(orders: readonly TrackedOrder[], steps: readonly string[], stage: LifecycleStage): string {
  const [only, ...others] = orders;
  const stages = ['| stage | since |', '|---|---|', ...steps];
  if (only && others.length === 0) return [`Order \`${only.id}\`: ${verdictOf(only)}`, '', ...stages].join('\n');
  const rows = orders.map((order) => `| \`${order.id}\` | ${stageOf(order, stage)} | ${verdictOf(order)} |`);
  const table = ['| order | stage | outcome |', '|---|---|---|', ...rows];
  return [`${orders.length} orders`, '', ...stages, '', ...table].join('\n');
}

function stageOf({ outcome, settlement, taken }: TrackedOrder, ofAll: LifecycleStage): LifecycleStage {
  if (settlement) return 'settled';
  if (ofAll === 'publishingCreated') return ofAll;
  if (taken) return 'awaitingSettlement';
  return outcome ? 'publishingProcessed' : 'awaitingOutcome';
}

function verdictOf({ outcome, settlement }: TrackedOrder): string {
  const known = settlement ?? outcome;
  return known ? `**${known.status}**, version ${known.version}` : 'not decided yet';
}
