import { eventKeyOf, orderCreated, orderProcessed } from '../../workflows/order-events.js';
import type { OrderSnapshot, OutboxRecord } from './order-snapshot.js';
import type { WorkflowRecord } from './workflow-records.js';

/** The state that the services' databases do not hold: dead-lettered messages, discarded messages, and workflows. */
export interface ExternalState {
  /** The ids of the messages in the dead-letter queues. */
  readonly deadLettered: ReadonlySet<string>;
  readonly discarded: Discarded;
  /** The open and closed workflows of each order, by order id, as far as Temporal still retains them. */
  readonly workflows: ReadonlyMap<string, readonly WorkflowRecord[]>;
}

/** The messages that operators have discarded. */
export interface Discarded {
  readonly messageIds: ReadonlySet<string>;
  /** The ids of orders whose `order.processed` was discarded. */
  readonly processedOrderIds: ReadonlySet<string>;
}

/** The type of a history entry that records a stale or contradicting outcome, which changed nothing. */
const ignoredOutcome = 'order.outcome-ignored';

/** A promise of the system that can be checked on one order at a time. */
export interface OrderInvariant {
  readonly id: string;
  readonly title: string;
  /** The server without which the invariant cannot be checked; undefined when the databases are enough. */
  readonly requires?: 'rabbitmq' | 'temporal';
  /** Returns what violates the invariant in this order; empty when it holds. */
  readonly violationsOf: (snapshot: OrderSnapshot, external: ExternalState) => string[];
}

/** The invariants that hold once nothing is in progress. docs/guarantees.md uses the same ids. */
export const orderInvariants: readonly OrderInvariant[] = [
  {
    id: 'I2',
    title: 'every order was placed once, and neither invented by a message nor by the processor',
    violationsOf: ({ orderId, order, history }, { discarded }) => {
      // An operator who discarded its order.processed has decided that its order.created came from elsewhere.
      if (!order) return discarded.processedOrderIds.has(orderId) ? [] : ['the order API does not know it'];
      const placed = history.filter(({ type }) => type === orderCreated.type).length;
      return placed === 1 ? [] : [`its history has ${placed} times ${orderCreated.type}`];
    },
  },
  {
    id: 'I3',
    title: 'each order and its events are one: order with order.created, outcome with order.processed',
    violationsOf: ({ order, orderApiOutbox, outcome, processorOutbox }) => [
      ...pairViolations(order, orderApiOutbox, orderCreated.type, 'order'),
      ...pairViolations(outcome, processorOutbox, orderProcessed.type, 'outcome'),
    ],
  },
  {
    id: 'I4',
    title: 'no event is unpublished',
    violationsOf: ({ orderApiOutbox, processorOutbox }) =>
      [...orderApiOutbox, ...processorOutbox]
        .filter(({ published_at }) => published_at === null)
        .map(({ type, attempts, last_error }) => `${type}: ${attempts} attempts, last error: ${last_error ?? 'none'}`),
  },
  {
    id: 'I5',
    title: 'every published event was consumed by the other side, is dead-lettered, or was discarded by a person',
    requires: 'rabbitmq',
    violationsOf: (snapshot, { deadLettered, discarded }) => {
      const { orderId, orderApiOutbox, processorInbox, processorOutbox, orderApiInbox } = snapshot;
      const isSetAside = (id: string): boolean => deadLettered.has(id) || discarded.messageIds.has(id);
      const { decided, settled } = effectsOf(snapshot);
      return [
        ...unconsumed(orderId, orderApiOutbox, processorInbox, isSetAside),
        ...unsent(orderId, orderApiOutbox, processorInbox, decided),
        ...unconsumed(orderId, processorOutbox, orderApiInbox, isSetAside),
        ...unsent(orderId, processorOutbox, orderApiInbox, settled),
      ];
    },
  },
  {
    id: 'I6',
    title: 'every event has its effect once: one outcome, one settlement',
    violationsOf: ({ orderId, processorInbox, outcome, orderApiInbox, history }) => {
      const settlements = history.filter(({ type }) => type === orderProcessed.type).length;
      const ignored = new Set(
        history
          .filter(({ type }) => type === ignoredOutcome)
          .map(({ version }) => eventKeyOf(orderProcessed.type, { order_id: orderId, version })),
      );
      const applied = orderApiInbox.filter(({ event_key }) => !ignored.has(event_key));
      return [
        ...(processorInbox.length > 0 && !outcome ? [`${orderCreated.type} was consumed without an outcome`] : []),
        ...(settlements > 1 ? [`it was settled ${settlements} times`] : []),
        ...(applied.length > 0 && settlements === 0 ? [`${orderProcessed.type} was consumed without effect`] : []),
        ...(settlements > 0 && orderApiInbox.length === 0 ? ['it was settled without an order.processed'] : []),
      ];
    },
  },
  {
    id: 'I7',
    title: 'every order has ended, as the processor decided',
    violationsOf: ({ order, outcome }) => {
      if (!order) return [];
      if (order.status === 'pending') return [outcome ? `pending, though the outcome is ${outcome.status}` : 'pending'];
      if (!outcome) return [`${order.status} without an outcome`];
      const [ours, theirs] = [
        [order.status, order.version, order.failure_reason],
        [outcome.status, outcome.version, outcome.reason],
      ].map((each) => JSON.stringify(each));
      return ours === theirs ? [] : [`the order says ${ours}, the processor ${theirs}`];
    },
  },
  {
    id: 'I8',
    title: 'every history is legal: versions 1 to n without a gap, and the order is at the last',
    violationsOf: ({ order, history }) => {
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
    requires: 'temporal',
    violationsOf: ({ orderId, order, outcome }, { workflows }) => {
      const open = (workflows.get(orderId) ?? []).filter(({ status }) => status === 'RUNNING');
      if (order?.status === 'pending') return open.length === 0 ? ['pending, and no workflow is open'] : [];
      // A group's workflow stays open while any of its orders is pending, and I7 reports that order.
      const own = open.filter(({ orderIds }) => orderIds.length === 1);
      return order || outcome ? own.map(({ workflowId, stage }) => `${workflowId} is still open (${stage})`) : [];
    },
  },
];

/** A row and its event exist together or not at all. A published event past its retention may have been removed. */
function pairViolations(
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

/**
 * Returns the keys of the events that took effect on this order. Other consumed events may exist: they changed nothing.
 */
function effectsOf({ orderId, outcome, history }: OrderSnapshot): { decided: string[]; settled: string[] } {
  const settlements = history.filter(({ type }) => type === orderProcessed.type);
  return {
    decided: outcome ? [eventKeyOf(orderCreated.type, { order_id: orderId, version: outcome.version - 1 })] : [],
    settled: settlements.map(({ version }) => eventKeyOf(orderProcessed.type, { order_id: orderId, version })),
  };
}

interface Consumed {
  readonly event_key: string;
}

function unconsumed(
  orderId: string,
  outbox: readonly OutboxRecord[],
  inbox: readonly Consumed[],
  isSetAside: (messageId: string) => boolean,
): string[] {
  const consumed = new Set(inbox.map(({ event_key }) => event_key));
  return outbox
    .filter(({ published_at }) => published_at !== null)
    .filter(
      ({ id, type, version }) => !consumed.has(eventKeyOf(type, { order_id: orderId, version })) && !isSetAside(id),
    )
    .map(({ id, type }) => `${type} ${id} was published, and neither consumed nor dead-lettered`);
}

/** Past the outbox's retention no row of the sent events is left, so nothing can be concluded. */
function unsent(
  orderId: string,
  outbox: readonly OutboxRecord[],
  inbox: readonly Consumed[],
  effective: readonly string[],
): string[] {
  if (outbox.length === 0) return [];
  const expected = new Set(outbox.map(({ type, version }) => eventKeyOf(type, { order_id: orderId, version })));
  return inbox
    .filter(({ event_key }) => effective.includes(event_key) && !expected.has(event_key))
    .map(({ event_key }) => `${event_key} was consumed, but never sent`);
}
