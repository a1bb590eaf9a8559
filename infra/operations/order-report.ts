import { idPattern } from '../../workflows/order-grammar.js';
import { clip } from '../runtime/printable.js';
import { withDeadLetters, type DeadLetter } from './dead-letters.js';
import { localTime } from './format.js';
import { orderInvariants } from './invariants.js';
import type { LiveSystem } from './live-system.js';
import { actionsOn, discardedIn, type OperatorAction } from './operator-actions.js';
import type { InboxRecord, OrderSnapshot, OutboxRecord } from './order-snapshot.js';
import { snapshotOf } from './order-snapshots.js';
import {
  failingAmong,
  failingText,
  listWorkflows,
  type FailingWorkflow,
  type WorkflowRecord,
} from './workflow-records.js';

/** Everything that the system knows about one order. */
export interface OrderReport {
  readonly snapshot: OrderSnapshot;
  readonly deadLetters: readonly DeadLetter[];
  readonly workflows: readonly WorkflowRecord[];
  /** The open workflows whose workflow task fails. */
  readonly failing: readonly FailingWorkflow[];
  readonly actions: readonly OperatorAction[];
  /** The servers that could not be queried, with the reason. */
  readonly unavailable: LiveSystem['unavailable'];
}

const maxWorkflowsShown = 10;
const maxReasonLength = 300;
/** The maximum length of an order id. What a message claims to be an order id may be longer. */
const maxIdLength = 128;
const labelWidth = 12;

/**
 * Collects what every available part knows about the order.
 * @returns undefined when none of them has a trace of such an order
 */
export async function reportOn(system: LiveSystem, orderId: string): Promise<OrderReport | undefined> {
  const { unavailable } = system;
  const [snapshot, deadLetters, workflows, actions] = await Promise.all([
    snapshotOf(system, orderId),
    unavailable.rabbitmq
      ? []
      : withDeadLetters(system.rabbitmq, async (all) => all.filter((each) => each.orderId === orderId)),
    unavailable.temporal ? [] : workflowsOf(system, orderId),
    actionsOn(system.ordersDb, orderId),
  ]);
  const { order, outcome, orderApiOutbox, orderApiInbox, processorInbox, processorOutbox } = snapshot;
  const rows = [...orderApiOutbox, ...orderApiInbox, ...processorInbox, ...processorOutbox];
  if (![order, outcome, ...rows, ...deadLetters, ...workflows].some((trace) => trace !== undefined)) return undefined;
  const failing = workflows.length > 0 ? await failingAmong(system.temporal, workflows) : [];
  return { snapshot, deadLetters, workflows, failing, actions, unavailable };
}

async function workflowsOf({ temporal }: LiveSystem, orderId: string): Promise<WorkflowRecord[]> {
  const found: WorkflowRecord[] = [];
  // Text that is not a valid order id has no workflow, and some of it would break the query.
  if (!idPattern.test(orderId)) return [];
  for await (const run of listWorkflows(temporal, `OrderId = "${orderId}"`)) {
    // Temporal's visibility store may compare keywords case-insensitively.
    if (!run.orderIds.includes(orderId)) continue;
    found.push(run);
    if (found.length === maxWorkflowsShown) break;
  }
  return found;
}

/**
 * Lists the order's steps on one screen, in the order in which they happen.
 * @param uiUrl the address of Temporal Web UI; undefined when it is not configured
 */
export function linesOf(report: OrderReport, namespace: string, uiUrl: string | undefined): string[] {
  const { snapshot, deadLetters, workflows, failing, actions, unavailable } = report;
  const { orderId, order, outcome } = snapshot;
  const head = order
    ? `order ${orderId}: ${order.status}, version ${order.version}, total ${order.total_amount}, customer ${order.customer_id}`
    : `order ${orderId}: the order API does not know it`;
  const rows: (readonly [string, string])[] = [
    ...(order ? [['placed', localTime(order.created_at)] as const] : []),
    ...snapshot.orderApiOutbox.map((event) => ['event', eventLine(event)] as const),
    ...workflows.map((run) => ['workflow', workflowLine(run, namespace, uiUrl)] as const),
    ...snapshot.processorInbox.map((entry) => ['processor', `consumed ${entryLine(entry)}`] as const),
    ...(outcome
      ? [['outcome', `${outcome.status}${reasonSuffix(outcome.reason)}, ${localTime(outcome.processed_at)}`] as const]
      : []),
    ...snapshot.processorOutbox.map((event) => ['event', eventLine(event)] as const),
    ...snapshot.orderApiInbox.map((entry) => ['order API', `consumed ${entryLine(entry)}`] as const),
    ...snapshot.history.map(({ version, type, at, detail }) => {
      return ['history', `version ${version}: ${type}, ${localTime(at)} ${JSON.stringify(detail)}`] as const;
    }),
    ...deadLetters.map((message) => ['dead letter', deadLetterLine(message)] as const),
    ...actions.map(
      ({ at, who, action, reason }) => ['operator', `${action} by ${who}, ${localTime(at)}: ${reason}`] as const,
    ),
    ...failing.map((each) => ['problem', `I9c: ${each.run.workflowId}: ${failingText(each)}`] as const),
    ...violationsIn(report).map((violation) => ['problem', violation] as const),
    ...Object.values(unavailable).flatMap((reason) => (reason ? [['unavailable', firstLineOf(reason)] as const] : [])),
  ];
  return [head, ...rows.map(([label, text]) => `  ${label.padEnd(labelWidth)} ${text}`)];
}

/** Describes a dead-lettered message on one line. */
export function deadLetterLine(message: DeadLetter): string {
  const { messageId, type, orderId, queue, reason, attempts, deadLetteredAt } = message;
  const order = orderId === undefined ? '' : ` of order ${clip(orderId, maxIdLength)}`;
  return `${messageId} ${type}${order} from ${queue}, after ${attempts} attempts, ${localTime(deadLetteredAt)}: ${firstLineOf(reason)}`;
}

function violationsIn({ snapshot, deadLetters, workflows, actions, unavailable }: OrderReport): string[] {
  const external = {
    deadLettered: new Set(deadLetters.map(({ messageId }) => messageId)),
    discarded: discardedIn(actions),
    workflows: new Map([[snapshot.orderId, workflows]]),
  };
  return orderInvariants
    .filter(({ requires }) => !(requires && unavailable[requires]))
    .flatMap(({ id, violationsOf }) => violationsOf(snapshot, external).map((violation) => `${id}: ${violation}`));
}

function eventLine({ id, type, created_at, published_at, attempts, last_error }: OutboxRecord): string {
  const state =
    published_at === null ? `not published${reasonSuffix(last_error)}` : `published ${localTime(published_at)}`;
  return `${type} ${id}, written ${localTime(created_at)}, ${state}, ${attempts} attempts`;
}

function entryLine({ event_key, message_id, received_at }: InboxRecord): string {
  return `${event_key} (message ${message_id}), ${localTime(received_at)}`;
}

function workflowLine(
  { workflowId, runId, status, stage }: WorkflowRecord,
  namespace: string,
  uiUrl: string | undefined,
): string {
  const path = [namespace, 'workflows', workflowId, runId].map((part) => encodeURIComponent(part)).join('/');
  return `${workflowId}: ${status}, ${stage}${uiUrl ? `, ${uiUrl}/namespaces/${path}` : ''}`;
}

function reasonSuffix(reason: string | null): string {
  return reason === null ? '' : ` (${firstLineOf(reason)})`;
}

/** Returns the first line of untrusted text, truncated so that the rest of the row stays readable. */
function firstLineOf(text: string): string {
  const [line = ''] = text.split('\n');
  return clip(line, maxReasonLength);
}
