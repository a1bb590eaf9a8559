import type { LifecycleStage } from '../contract/messages.js';
import { isOpen, type TrackedOrder } from './tracked-order.js';

/** Something that a workflow did or learned. Its time is workflow time, so that a replay shows the same. */
export interface Step {
  readonly text: string;
  readonly at: number;
}

/** Returns the Markdown that Temporal Web UI shows for a workflow: its steps and, for a group, each of its orders. */
export function liveDetailsOf(orders: readonly TrackedOrder[], stage: LifecycleStage, steps: readonly Step[]): string {
  const [only, ...others] = orders;
  const story = steps.map(({ text, at }) => `- ${new Date(at).toISOString()}: ${text}`);
  if (only && others.length === 0) return [`Order \`${only.id}\`: ${outcomeOf(only)}`, '', ...story].join('\n');
  const open = orders.filter(isOpen).length;
  const each = orders.map((order) => `- \`${order.id}\`: ${stageOf(order, stage)}, ${outcomeOf(order)}`);
  return [`${orders.length} orders, ${open} of them open`, '', ...story, '', 'Orders:', '', ...each].join('\n');
}

function stageOf({ outcome, settled, outcomePublishRequested }: TrackedOrder, stage: LifecycleStage): LifecycleStage {
  if (settled) return 'settled';
  if (stage === 'publishingCreated') return stage;
  if (outcomePublishRequested) return 'awaitingSettlement';
  return outcome ? 'publishingProcessed' : 'awaitingOutcome';
}

function outcomeOf({ outcome, settled }: TrackedOrder): string {
  const known = settled ?? outcome;
  return known ? `**${known.status}**, version ${known.version}` : 'not decided yet';
}
