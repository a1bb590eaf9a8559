import { recordOnce } from '../../../infra/messaging/inbox.js';
import type { Queryable } from '../../../infra/postgres/pool.js';
import type { AppliedOutcome } from '../../application/ports.js';
import type { Order, Outcome } from '../../domain/order.js';
import { findOrders, requireOrder, orderColumns, toOrder, type OrderRow } from './order-rows.js';

/** One received outcome. */
export interface OutcomeEvent {
  readonly outcome: Outcome;
  readonly eventKey: string;
  readonly messageId: string;
}

/**
 * Applies outcomes within the transaction `tx`, whose first statement must be this function's, and returns a result for
 * each, in their order: applied, stale, or a repeat that changes nothing.
 * @throws UnknownOrder when one of the orders does not exist; the caller must then roll the transaction back
 */
export async function applyOutcomes(tx: Queryable, events: readonly OutcomeEvent[]): Promise<AppliedOutcome[]> {
  const entries = events.map(({ outcome, eventKey, messageId }) => ({
    eventKey,
    messageId,
    aggregateId: outcome.orderId,
  }));
  const recorded = new Set(await recordOnce(tx, entries));
  // Of an event that is in the batch twice, only the first occurrence is new.
  const isFirst = events.map(({ eventKey }) => recorded.delete(eventKey));
  const results = new Map<OutcomeEvent, AppliedOutcome>();
  for (const round of roundsOf(events.filter((_, index) => isFirst[index]))) await applyRound(tx, round, results);
  const repeated = events.filter((_, index) => !isFirst[index]);
  const orders = repeated.length > 0 ? await findOrders(tx, repeated.map(orderIdOf)) : new Map<string, Order>();
  return events.map((event) => {
    return results.get(event) ?? { order: requireOrder(orders, orderIdOf(event)), result: 'repeated' };
  });
}

function orderIdOf({ outcome }: OutcomeEvent): string {
  return outcome.orderId;
}

/** Puts several outcomes of one order into successive rounds. There is almost always a single round. */
function roundsOf(events: readonly OutcomeEvent[]): OutcomeEvent[][] {
  const rounds: OutcomeEvent[][] = [];
  const seen = new Map<string, number>();
  for (const event of events) {
    const round = seen.get(event.outcome.orderId) ?? 0;
    seen.set(event.outcome.orderId, round + 1);
    (rounds[round] ??= []).push(event);
  }
  return rounds;
}

/** Applies one round, which has at most one outcome for each order. */
async function applyRound(
  tx: Queryable,
  events: readonly OutcomeEvent[],
  results: Map<OutcomeEvent, AppliedOutcome>,
): Promise<void> {
  const settled = await settleOrders(
    tx,
    events.map(({ outcome }) => outcome),
  );
  const stale = events.filter(({ outcome }) => !settled.has(outcome.orderId));
  const others = stale.length > 0 ? await findOrders(tx, stale.map(orderIdOf)) : new Map<string, Order>();
  const history = events.map((event) => {
    const { outcome } = event;
    const entry = { orderId: outcome.orderId, version: outcome.version };
    const applied = settled.get(outcome.orderId);
    if (applied) {
      results.set(event, { order: applied, result: 'applied' });
      return { ...entry, type: 'order.processed', detail: detailOf(outcome) };
    }
    const order = requireOrder(others, orderIdOf(event));
    results.set(event, { order, result: 'stale' });
    const why = `the order was ${order.status} at version ${order.version}`;
    return { ...entry, type: 'order.outcome-ignored', detail: { ...detailOf(outcome), why } };
  });
  await insertEvents(tx, history);
}

/**
 * Returns the orders that it settled. A stale outcome is ignored and a settled order stays as it is: the statement that
 * changes the rows makes both checks. An outcome proves that the order's event arrived, so the statement also marks an
 * outbox row that is still unpublished; it skips a locked row, which its publisher is marking.
 */
async function settleOrders(tx: Queryable, outcomes: readonly Outcome[]): Promise<Map<string, Order>> {
  const { rows } = await tx.query<OrderRow>({
    name: 'settle-orders',
    text: `with settled as (
             update orders
             set status = outcome.status, version = outcome.version, failure_reason = outcome.reason, updated_at = now()
             from unnest($1::text[], $2::text[], $3::int[], $4::text[]) as outcome (id, status, version, reason)
             where order_id = outcome.id and orders.version < outcome.version and orders.status = 'pending'
             returning ${orderColumns.replaceAll(/\w+/g, 'orders.$&')}
           ), unmarked as (
             select id from outbox
             where aggregate_id = any($1) and published_at is null
             for update skip locked
           ), marked as (
             update outbox set published_at = now(), attempts = attempts + 1, last_error = null
             where id in (select id from unmarked) and aggregate_id in (select order_id from settled)
           )
           select * from settled`,
    values: [
      outcomes.map(({ orderId }) => orderId),
      outcomes.map(({ status }) => status),
      outcomes.map(({ version }) => version),
      outcomes.map(({ reason }) => reason),
    ],
  });
  return new Map(rows.map((row) => [row.order_id, toOrder(row)]));
}

interface HistoryEntry {
  readonly orderId: string;
  readonly version: number;
  readonly type: string;
  readonly detail: object;
}

async function insertEvents(tx: Queryable, entries: readonly HistoryEntry[]): Promise<void> {
  await tx.query({
    name: 'insert-order-events',
    text: `insert into order_events (order_id, version, type, detail)
           select order_id, version, type, detail::jsonb
           from unnest($1::text[], $2::int[], $3::text[], $4::text[]) as entry (order_id, version, type, detail)`,
    values: [
      entries.map(({ orderId }) => orderId),
      entries.map(({ version }) => version),
      entries.map(({ type }) => type),
      entries.map(({ detail }) => JSON.stringify(detail)),
    ],
  });
}

function detailOf({ status, reason }: Outcome): object {
  return reason === null ? { status } : { status, reason };
}
