import type pg from 'pg';
import type {
  OrderSnapshot,
  HistoryRecord,
  InboxRecord,
  OrderRecord,
  OutboxRecord,
  OutcomeRecord,
} from './order-snapshot.js';
import type { LiveSystem } from './live-system.js';

type Databases = Pick<LiveSystem, 'ordersDb' | 'processorDb' | 'outboxRetentionDays'>;

interface OrdersSide {
  readonly order_id: string;
  readonly order: OrderRecord | null;
  readonly history: HistoryRecord[] | null;
  readonly outbox: OutboxRecord[] | null;
  readonly inbox: InboxRecord[] | null;
}

interface ProcessorSide {
  readonly order_id: string;
  readonly outcome: OutcomeRecord | null;
  readonly inbox: InboxRecord[] | null;
  readonly outbox: OutboxRecord[] | null;
}

const rowsPerFetch = 2000;

const inboxOf = `select aggregate_id as order_id,
    jsonb_agg(jsonb_build_object('event_key', event_key, 'message_id', message_id,
                                 'received_at', received_at) order by received_at) as inbox
  from operations.inbox where {aggregate_id} group by aggregate_id`;

/** The database compares the event with its row, because amounts would be rounded as JSON numbers in this process. */
const outboxOf = (agrees: string, view: string): string => `select aggregate_id as order_id,
    jsonb_agg(jsonb_build_object('id', event.id, 'type', type, 'version', (payload->>'version')::int,
                                 'created_at', event.created_at, 'published_at', published_at, 'attempts', attempts,
                                 'last_error', last_error, 'agrees', ${agrees}) order by event.id) as outbox
  from operations.outbox as event left join ${view} on order_id = aggregate_id
  where {aggregate_id} group by aggregate_id`;

const ordersSide = `
  with outbox_events as (${outboxOf(
    `payload->>'customer_id' = customer_id and payload->'items' = items
       and (payload->>'total_amount')::numeric = total_amount and payload->>'order_id' = order_id`,
    'operations.orders',
  )}), inbox_entries as (${inboxOf}), history as (
    select order_id, jsonb_agg(jsonb_build_object('version', version, 'type', type, 'at', at, 'detail', detail)
                               order by id) as history
    from operations.order_events where {order_id} group by order_id
  ), placed as (
    select order_id, jsonb_build_object(
        'status', status, 'version', version, 'total_amount', total_amount::text, 'customer_id', customer_id,
        'failure_reason', failure_reason, 'workflow_id', workflow_id, 'created_at', created_at,
        'updated_at', updated_at, 'past_retention', created_at < now() - {retention_days} * interval '1 day') as order
    from operations.orders where {order_id}
  )
  select order_id, "order", history, outbox, inbox
  from placed full join history using (order_id) full join outbox_events using (order_id)
    full join inbox_entries using (order_id)
  order by order_id collate "C"`;

const processorSide = `
  with outbox_events as (${outboxOf(
    `payload->>'status' = status and payload->>'reason' is not distinct from reason
       and (payload->>'version')::int = version and payload->>'order_id' = order_id`,
    'operations.outcomes',
  )}), inbox_entries as (${inboxOf}), decided as (
    select order_id, jsonb_build_object(
        'status', status, 'reason', reason, 'version', version,
        'processed_at', processed_at, 'past_retention', processed_at < now() - {retention_days} * interval '1 day') as outcome
    from operations.outcomes where {order_id}
  )
  select order_id, outcome, inbox, outbox
  from decided full join inbox_entries using (order_id) full join outbox_events using (order_id)
  order by order_id collate "C"`;

/** Reads everything that both services know about one order. All fields are empty when they know nothing. */
export async function snapshotOf(databases: Databases, orderId: string): Promise<OrderSnapshot> {
  const { ordersDb, processorDb } = databases;
  const one = (statement: string): string => filterByOrder(statement, databases, (column) => `${column} = $1`);
  const [ours, theirs] = await Promise.all([
    ordersDb.query<OrdersSide>(one(ordersSide), [orderId]),
    processorDb.query<ProcessorSide>(one(processorSide), [orderId]),
  ]);
  return merge(orderId, ours.rows[0], theirs.rows[0]);
}

/** Reads every order, sorted by id. One statement reads each database, as of a single point in time. */
export async function* allSnapshots(databases: Databases): AsyncGenerator<OrderSnapshot> {
  const all = (statement: string): string => filterByOrder(statement, databases, () => 'true');
  const ours = rowsOf<OrdersSide>(databases.ordersDb, all(ordersSide));
  const theirs = rowsOf<ProcessorSide>(databases.processorDb, all(processorSide));
  try {
    let [left, right] = [await ours.next(), await theirs.next()];
    while (!left.done || !right.done) {
      const order = left.done ? 1 : right.done ? -1 : compareIds(left.value.order_id, right.value.order_id);
      const mine = order <= 0 && !left.done ? left.value : undefined;
      const other = order >= 0 && !right.done ? right.value : undefined;
      yield merge((mine ?? other)?.order_id ?? '', mine, other);
      if (mine) left = await ours.next();
      if (other) right = await theirs.next();
    }
  } finally {
    await ours.return(undefined);
    await theirs.return(undefined);
  }
}

/** Applies the condition to each part of the statement, as text, because a cursor's statement takes no parameters. */
function filterByOrder(statement: string, { outboxRetentionDays }: Databases, condition: (column: string) => string) {
  return statement
    .replaceAll('{retention_days}', String(outboxRetentionDays))
    .replaceAll(/\{(\w+)\}/g, (_, column: string) => condition(column));
}

/** Compares ids by their bytes, as Postgres does with collation C. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Reads the rows through a cursor, so that only 2000 of them are in memory at a time. */
async function* rowsOf<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: string,
): AsyncGenerator<Row, undefined> {
  const client = await pool.connect();
  try {
    await client.query('begin read only');
    await client.query(`declare snapshots no scroll cursor for ${statement}`);
    for (;;) {
      const { rows } = await client.query<Row>(`fetch ${rowsPerFetch} from snapshots`);
      if (rows.length === 0) return;
      yield* rows;
    }
  } finally {
    // Closing the connection ends the transaction, whatever state it is in.
    client.release(true);
  }
}

function merge(orderId: string, ours: OrdersSide | undefined, theirs: ProcessorSide | undefined): OrderSnapshot {
  return {
    orderId,
    order: ours?.order ?? undefined,
    history: ours?.history ?? [],
    orderApiOutbox: ours?.outbox ?? [],
    orderApiInbox: ours?.inbox ?? [],
    outcome: theirs?.outcome ?? undefined,
    processorInbox: theirs?.inbox ?? [],
    processorOutbox: theirs?.outbox ?? [],
  };
}
