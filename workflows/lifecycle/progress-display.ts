import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { liveDetailsOf, type Step } from './live-details.js';
import { searchAttributes, type LifecycleStage } from '../contract/messages.js';
import { isOpen, statusOf, type TrackedOrder } from './tracked-order.js';

/** Shows people the progress of a workflow: by search attributes in the list, by live details for one workflow. */
export interface ProgressDisplay {
  stage(): LifecycleStage;
  enter(stage: LifecycleStage): void;
  /** Adds a line to the live details. */
  tell(text: string): void;
}

/** Beyond this, the oldest lines are dropped: an order that waits for weeks is checked every hour. */
const maxSteps = 50;

/** Creates the display in the stage `publishingCreated`, which the start of the workflow has already set. */
export function displayProgress(orders: readonly TrackedOrder[]): ProgressDisplay {
  let stage: LifecycleStage = 'publishingCreated';
  const steps: Step[] = [];
  const describe = (): void => setCurrentDetails(liveDetailsOf(orders, stage, steps));
  describe();
  return {
    stage: () => stage,
    enter: (next) => {
      if (stage === next) return;
      stage = next;
      describe();
      upsertSearchAttributes([
        { key: searchAttributes.orderStage, value: next },
        { key: searchAttributes.orderStatus, value: orders.some(isOpen) ? 'pending' : statusOf(orders) },
      ]);
    },
    tell: (text) => {
      steps.push({ text, at: Date.now() });
      if (steps.length > maxSteps) steps.shift();
      describe();
    },
  };
}
