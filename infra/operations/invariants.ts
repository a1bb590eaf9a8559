import { eventKeyOf, orderCreated, orderProcessed } from '../../workflows/order-events.js';
import type { Dossier, OutboxRecord } from './dossier.js';
import type { WorkflowRecord } from './workflow-records.js';

/** What is known beside the services' tables: dead-lettered messages, what people have discarded, and workflows. */
export interface Surroundings {
  /** Ids of messages that are in a dead-letter queue. */
  readonly deadLettered: ReadonlySet<string>;
  readonly discarded: Discarded;
  /** By order, the workflows that carry it, open and closed, as far as Temporal still knows. */
  readonly workflows: ReadonlyMap<string, readonly WorkflowRecord[]>;
}

/** What people have decided to be no message of ours. */
export interface Discarded {
  readonly messageIds: ReadonlySet<string>;
  /** Orders of which an answer of the processor was discarded. */
  readonly answeredOrderIds: ReadonlySet<string>;
}

/** In an order's history, a stale or contradicting outcome that changed nothing. */
const ignoredOutcome = 'order.outcome-ignored';

/** A promise of the system, as far as one order can show that it is kept. */
export interface OrderInvariant {
  readonly id: string;
  readonly title: string;
  /** Without which it cannot be told. */
  readonly restsOn?: 'rabbitmq' | 'temporal';
  /** What is wrong with this order; nothing when all is well. */
  readonly faultsOf: (dossier: Dossier, surroundings: Surroundings) => string[];
}

/** As they are to be once nothing is under way. The numbers are those of docs/guarantees.md. */
export const orderInvariants: readonly OrderInvariant[] = [
  {
    id: 'I2',
    title: 'every order was placed once, and neither invented by a message nor by the processor',
    faultsOf: ({ orderId, order, history }, { discarded }) => {
      // A person who discarded the answer has decided that the message it answers was none of ours.
      if (!order) return discarded.answeredOrderIds.has(orderId) ? [] : ['the order API does not know it'];
      const placed = history.filter(({ type }) => type === orderCreated.type).length;
      return placed === 1 ? [] : [`its history has ${placed} times ${orderCreated.type}`];
    },
  },
  {
    id: 'I3',
    title: 'each order and its events are one: order with order.created, verdict with order.processed',
    faultsOf: ({ order, sent, verdict, answersSent }) => [
      ...pairFaults(order, sent, orderCreated.type, 'order'),
      ...pairFaults(verdict, answersSent, orderProcessed.type, 'verdict'),
    ],
  },
  {
    id: 'I4',
    title: 'no event is unpublished',
    faultsOf: ({ sent, answersSent }) =>
      [...sent, ...answersSent]
        .filter(({ published_at }) => published_at === null)
        .map(({ type, attempts, last_error }) => `${type}: ${attempts} attempts, last error: ${last_error ?? 'none'}`),
  },
  {
    id: 'I5',
    title: 'every published event was taken once by the other side, is dead-lettered, or was discarded by a person',
    restsOn: 'rabbitmq',
    faultsOf: (dossier, { deadLettered, discarded }) => {
      const { orderId, sent, received, answersSent, answersReceived } = dossier;
      const isAside = (id: string): boolean => deadLettered.has(id) || discarded.messageIds.has(id);
      const { decided, settled } = effectsOf(dossier);
      return [
        ...untaken(orderId, sent, received, isAside),
        ...unsent(orderId, sent, received, decided),
        ...untaken(orderId, answersSent, answersReceived, isAside),
        ...unsent(orderId, answersSent, answersReceived, settled),
      ];
    },
  },
  {
    id: 'I6',
    title: 'every event has its effect once: one verdict, one settlement',
    faultsOf: ({ orderId, received, verdict, answersReceived, history }) => {
      const settlements = history.filter(({ type }) => type === orderProcessed.type).length;
      const ignored = new Set(
        history
          .filter(({ type }) => type === ignoredOutcome)
          .map(({ version }) => eventKeyOf(orderProcessed.type, { order_id: orderId, version })),
      );
      const heeded = answersReceived.filter(({ event_key }) => !ignored.has(event_key));
      return [
        ...(received.length > 0 && !verdict ? [`${orderCreated.type} was taken without a verdict`] : []),
        ...(settlements > 1 ? [`it was settled ${settlements} times`] : []),
        ...(heeded.length > 0 && settlements === 0 ? [`${orderProcessed.type} was taken without effect`] : []),
        ...(settlements > 0 && answersReceived.length === 0 ? ['it was settled without an answer'] : []),
      ];
    },
  },
  {
    id: 'I7',
    title: 'every order has ended, as the processor decided',
    faultsOf: ({ order, verdict }) => {
      if (!order) return [];
      if (order.status === 'pending') return [verdict ? `pending, though decided: ${verdict.status}` : 'pending'];
      if (!verdict) return [`${order.status} without a verdict`];
      const [ours, theirs] = [
        [order.status, order.version, order.failure_reason],
        [verdict.status, verdict.version, verdict.reason],
      ].map((each) => JSON.stringify(each));
      return ours === theirs ? [] : [`the order says ${ours}, the processor ${theirs}`];
    },
  },
  {
    id: 'I8',
    title: 'every history is legal: versions 1 to n without a gap, and the order is at the last',
    faultsOf: ({ order, history }) => {
      if (!order) return [];
      const facts = history.filter(({ type }) => type !== ignoredOutcome);
      const versions = facts.map(({ version }) => version);
      const legal = versions.every((version, index) => version === index + 1) && versions.length === order.version;
      const last = facts.at(-1);
      const status = last?.type === orderProcessed.type ? last.detail['status'] : 'pending';
      return [
        ...(legal ? [] : [`versions ${versions.join(', ') || '(none)'} in its history, ${order.version} in its row`]),
        ...(status === order.status ? [] : [`its history ends with ${String(status)}, its row says ${order.status}`]),
      ];
    },
  },
  {
    id: 'I9',
    title: 'Temporal agrees: no workflow is open for a settled order, each pending one has one that is',
    restsOn: 'temporal',
    faultsOf: ({ orderId, order, verdict }, { workflows }) => {
      const open = (workflows.get(orderId) ?? []).filter(({ status }) => status === 'RUNNING');
      if (order?.status === 'pending') return open.length === 0 ? ['pending, and no workflow is open'] : [];
      // A group is open for as long as one of its orders is; that one shows it.
      const own = open.filter(({ orderIds }) => orderIds.length === 1);
      return order || verdict ? own.map(({ workflowId, stage }) => `${workflowId} is still open (${stage})`) : [];
    },
  },
];

/** Both are there, or neither; published rows are removed by age. */
function pairFaults(
  row: { readonly past_retention: boolean } | undefined,
  outbox: readonly OutboxRecord[],
  type: string,
  name: string,
): string[] {
  const events = outbox.filter((event) => event.type === type);
  if (!row) return events.length === 0 ? [] : [`${type} without ${name}`];
  if (events.length === 0) return row.past_retention ? [] : [`${name} without ${type}`];
  if (events.length > 1) return [`${events.length} times ${type}`];
  return events.every(({ agrees }) => agrees) ? [] : [`${type} says something else than the ${name}`];
}

/** The keys of the events that had an effect on this order; all others that were taken changed nothing, and may. */
function effectsOf({ orderId, verdict, history }: Dossier): { decided: string[]; settled: string[] } {
  const settlements = history.filter(({ type }) => type === orderProcessed.type);
  return {
    decided: verdict ? [eventKeyOf(orderCreated.type, { order_id: orderId, version: verdict.version - 1 })] : [],
    settled: settlements.map(({ version }) => eventKeyOf(orderProcessed.type, { order_id: orderId, version })),
  };
}

interface Taken {
  readonly event_key: string;
}

function untaken(
  orderId: string,
  sent: readonly OutboxRecord[],
  received: readonly Taken[],
  isAside: (messageId: string) => boolean,
): string[] {
  const taken = new Set(received.map(({ event_key }) => event_key));
  return sent
    .filter(({ published_at }) => published_at !== null)
    .filter(({ id, type, version }) => !taken.has(eventKeyOf(type, { order_id: orderId, version })) && !isAside(id))
    .map(({ id, type }) => `${type} ${id} was published, and neither taken nor dead-lettered`);
}

/** Nothing is said of what is past its retention: then nothing that was sent is there any more. */
function unsent(
  orderId: string,
  sent: readonly OutboxRecord[],
  received: readonly Taken[],
  effective: readonly string[],
): string[] {
  if (sent.length === 0) return [];
  const expected = new Set(sent.map(({ type, version }) => eventKeyOf(type, { order_id: orderId, version })));
  return received
    .filter(({ event_key }) => effective.includes(event_key) && !expected.has(event_key))
    .map(({ event_key }) => `${event_key} was taken, but never sent`);
}
