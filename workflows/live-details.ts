import { workflowIdOf, type LifecycleStage } from './messages.js';
import type { TrackedOrder } from './tracked-order.js';

/** When a workflow entered a stage, in workflow time, so that a replay shows the same. */
export interface Step {
  readonly stage: LifecycleStage;
  readonly at: number;
}

/** Markdown, shown by Temporal Web UI while the workflow runs and after: its stages, and each order of several. */
export function liveDetailsOf(orders: readonly TrackedOrder[], steps: readonly Step[]): string {
  const [only, ...others] = orders;
  const stages = [
    '| stage | since |',
    '|---|---|',
    ...steps.map(({ stage, at }) => `| ${stage} | ${new Date(at).toISOString()} |`),
  ];
  if (only && others.length === 0) return [`Order \`${only.id}\`: ${verdictOf(only)}`, '', ...stages].join('\n');
  const rows = orders.map((order) => `| \`${order.id}\` | ${stageOf(order, steps)} | ${verdictOf(order)} |`);
  const table = ['| order | stage | outcome |', '|---|---|---|', ...rows];
  return [`${orders.length} orders`, '', ...stages, '', ...table].join('\n');
}

function stageOf({ id, outcome, settlement, taken, moved }: TrackedOrder, steps: readonly Step[]): string {
  if (moved) return `moved to \`${workflowIdOf(id)}\``;
  if (settlement) return 'settled';
  const ofAll = steps.at(-1)?.stage;
  if (ofAll === 'publishingCreated') return ofAll;
  if (taken) return 'awaitingSettlement';
  return outcome ? 'publishingProcessed' : 'awaitingOutcome';
}

function verdictOf({ outcome, settlement }: TrackedOrder): string {
  const known = settlement ?? outcome;
  return known ? `**${known.status}**, version ${known.version}` : 'not decided yet';
}
