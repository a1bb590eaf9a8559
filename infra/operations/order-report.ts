import { idPattern } from '../../workflows/order-grammar.js';
import { clip } from '../runtime/printable.js';
import { withDeadLetters, type DeadLetter } from './dead-letters.js';
import type { Dossier, InboxRecord, OutboxRecord } from './dossier.js';
import { dossierOf } from './dossiers.js';
import { orderInvariants } from './invariants.js';
import type { LiveSystem } from './live-system.js';
import { actionsOn, discardedIn, type OperatorAction } from './operator-actions.js';
import {
  failingAmong,
  failingText,
  listWorkflows,
  type FailingWorkflow,
  type WorkflowRecord,
} from './workflow-records.js';

/** Everything that can be said of one order. */
export interface OrderReport {
  readonly dossier: Dossier;
  readonly letters: readonly DeadLetter[];
  readonly workflows: readonly WorkflowRecord[];
  /** Those of them that do not get on. */
  readonly failing: readonly FailingWorkflow[];
  readonly actions: readonly OperatorAction[];
  /** What could not be asked, and so is not in here. */
  readonly away: LiveSystem['away'];
}

const workflowsShown = 10;
const maxReasonLength = 300;
/** As long as an order's id can be; what a message calls one has no limit. */
const maxIdLength = 128;
const maxTimeLength = 40;

/** @returns undefined when nobody knows of such an order, as far as could be asked */
export async function reportOn(system: LiveSystem, orderId: string): Promise<OrderReport | undefined> {
  const { away } = system;
  const [dossier, letters, workflows, actions] = await Promise.all([
    dossierOf(system, orderId),
    away.rabbitmq ? [] : withDeadLetters(system.rabbitmq, async (all) => all.filter((one) => one.orderId === orderId)),
    away.temporal ? [] : workflowsOf(system, orderId),
    actionsOn(system.ordersDb, orderId),
  ]);
  const { order, verdict, sent, received, answersSent, answersReceived } = dossier;
  const traces = [order, verdict, ...sent, ...received, ...answersSent, ...answersReceived, ...letters, ...workflows];
  if (!traces.some((trace) => trace !== undefined)) return undefined;
  const failing = workflows.length > 0 ? await failingAmong(system.temporal, workflows) : [];
  return { dossier, letters, workflows, failing, actions, away };
}

async function workflowsOf({ temporal }: LiveSystem, orderId: string): Promise<WorkflowRecord[]> {
  const found: WorkflowRecord[] = [];
  // What cannot be an order's id has no workflow, and some of it cannot even be asked for.
  if (!idPattern.test(orderId)) return [];
  for await (const run of listWorkflows(temporal, `OrderId = "${orderId}"`)) {
    // Temporal's visibility store may compare keywords without regard to case.
    if (!run.orderIds.includes(orderId)) continue;
    found.push(run);
    if (found.length === workflowsShown) break;
  }
  return found;
}

/** The order's way, on one screen, in the order in which it is gone. @param uiUrl of Temporal Web UI, if it is known */
export function linesOf(report: OrderReport, namespace: string, uiUrl: string | undefined): string[] {
  const { dossier, letters, workflows, failing, actions, away } = report;
  const { orderId, order, verdict } = dossier;
  const head = order
    ? `order ${orderId}: ${order.status}, version ${order.version}, total ${order.total_amount}, of ${order.customer_id}`
    : `order ${orderId}: the order API does not know it`;
  const rows: (readonly [string, string])[] = [
    ...(order ? [['placed', order.created_at] as const] : []),
    ...dossier.sent.map((event) => ['event', eventLine(event)] as const),
    ...workflows.map((run) => ['workflow', workflowLine(run, namespace, uiUrl)] as const),
    ...dossier.received.map((entry) => ['processor', `took ${entryLine(entry)}`] as const),
    ...(verdict
      ? [['verdict', `${verdict.status}${because(verdict.reason)}, at ${verdict.processed_at}`] as const]
      : []),
    ...dossier.answersSent.map((event) => ['answer', eventLine(event)] as const),
    ...dossier.answersReceived.map((entry) => ['order API', `took ${entryLine(entry)}`] as const),
    ...dossier.history.map(({ version, type, at, detail }) => {
      return ['history', `version ${version}: ${type} at ${at} ${JSON.stringify(detail)}`] as const;
    }),
    ...letters.map((letter) => ['parked', letterLine(letter)] as const),
    ...actions.map(
      ({ at, who, action, reason }) => ['by hand', `${action} by ${who} at ${at.toISOString()}: ${reason}`] as const,
    ),
    ...failing.map((each) => ['open', `I9c: ${each.run.workflowId}: ${failingText(each)}`] as const),
    ...faultsOf(report).map((fault) => ['open', fault] as const),
    ...Object.values(away).flatMap((why) => (why ? [['away', firstLineOf(why)] as const] : [])),
  ];
  return [head, ...rows.map(([name, text]) => `  ${name.padEnd(10)} ${text}`)];
}

/** One parked message on one line. */
export function letterLine({ messageId, type, orderId, queue, reason, attempts, parkedAt }: DeadLetter): string {
  const order = orderId === undefined ? '' : ` of order ${clip(orderId, maxIdLength)}`;
  return `${messageId} ${type}${order} from ${queue}, after ${attempts} attempts at ${clip(parkedAt, maxTimeLength)}: ${firstLineOf(reason)}`;
}

function faultsOf({ dossier, letters, workflows, actions, away }: OrderReport): string[] {
  const surroundings = {
    deadLettered: new Set(letters.map(({ messageId }) => messageId)),
    discarded: discardedIn(actions),
    workflows: new Map([[dossier.orderId, workflows]]),
  };
  return orderInvariants
    .filter(({ restsOn }) => !(restsOn && away[restsOn]))
    .flatMap(({ id, faultsOf: check }) => check(dossier, surroundings).map((fault) => `${id}: ${fault}`));
}

function eventLine({ id, type, created_at, published_at, attempts, last_error }: OutboxRecord): string {
  const state = published_at === null ? `not published${because(last_error)}` : `published ${published_at}`;
  return `${type} ${id} of ${created_at}, ${state}, ${attempts} attempts`;
}

function entryLine({ event_key, message_id, received_at }: InboxRecord): string {
  return `${event_key} (message ${message_id}) at ${received_at}`;
}

function workflowLine(
  { workflowId, runId, status, stage }: WorkflowRecord,
  namespace: string,
  uiUrl: string | undefined,
): string {
  const path = [namespace, 'workflows', workflowId, runId].map((part) => encodeURIComponent(part)).join('/');
  return `${workflowId}: ${status}, ${stage}${uiUrl ? `, ${uiUrl}/namespaces/${path}` : ''}`;
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${firstLineOf(reason)})`;
}

/** Of text from outside, as much as fits beside the rest of its line. */
function firstLineOf(text: string): string {
  const [line = ''] = text.split('\n');
  return clip(line, maxReasonLength);
}
