import { condition, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import {
  outcomeReady,
  searchAttributes,
  settled,
  stageQuery,
  type LifecycleStage,
  type OrderOutcome,
} from './messages.js';

/** What a workflow knows of its order, and how it tells people: stage query, search attributes, live details. */
export interface OrderProgress {
  /** The processor's decision, once it is known. */
  readonly outcome: OrderOutcome | undefined;
  /** What the order API has applied, once it has. */
  readonly settlement: OrderOutcome | undefined;
  enter(stage: LifecycleStage): void;
  /** Waits, without limit, until `met`; enters the stage only if there is anything to wait for. */
  until(stage: LifecycleStage, met: () => boolean): Promise<void>;
  /** Shows the order as settled and returns its final status and version. */
  settle(): OrderOutcome;
}

/**
 * Starts listening for the order's signals, before anything else happens, so that an early one is not missed. A signal
 * that was already had is ignored: they are sent at least once.
 */
export function followOrder(orderId: string): OrderProgress {
  let stage: LifecycleStage = 'publishingCreated';
  let outcome: OrderOutcome | undefined;
  let settlement: OrderOutcome | undefined;
  const steps = [step(stage)];

  setHandler(outcomeReady, (event) => {
    outcome ??= event;
  });
  setHandler(settled, (event) => {
    settlement ??= event;
  });
  setHandler(stageQuery, () => stage);

  const describe = (): void => setCurrentDetails(liveDetails(orderId, steps, settlement ?? outcome));
  const enter = (next: LifecycleStage): void => {
    if (next === stage) return;
    stage = next;
    steps.push(step(stage));
    upsertSearchAttributes([
      { key: searchAttributes.orderStage, value: stage },
      { key: searchAttributes.orderStatus, value: settlement?.status ?? 'pending' },
    ]);
    describe();
  };
  describe();

  return {
    get outcome() {
      return outcome;
    },
    get settlement() {
      return settlement;
    },
    enter,
    until: async (next, met) => {
      if (met()) return;
      enter(next);
      await condition(met);
    },
    settle: () => {
      enter('settled');
      if (settlement === undefined) throw new Error('an order is settled only after its settlement is known');
      return settlement;
    },
  };
}

/** Workflow time, so a replay shows the same. */
function step(stage: LifecycleStage): string {
  return `| ${stage} | ${new Date(Date.now()).toISOString()} |`;
}

/** Markdown, shown by Temporal Web UI while the workflow runs and after. */
function liveDetails(orderId: string, steps: readonly string[], outcome: OrderOutcome | undefined): string {
  const verdict = outcome ? `**${outcome.status}**, version ${outcome.version}` : 'not decided yet';
  return [`Order \`${orderId}\`: ${verdict}`, '', '| stage | since |', '|---|---|', ...steps].join('\n');
}
