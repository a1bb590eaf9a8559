import type pg from 'pg';
import type { Dossier, HistoryRecord, InboxRecord, OrderRecord, OutboxRecord, VerdictRecord } from './dossier.js';
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
  readonly verdict: VerdictRecord | null;
  readonly inbox: InboxRecord[] | null;
  readonly outbox: OutboxRecord[] | null;
}

const rowsPerFetch = 2000;

const inboxOf = `select aggregate_id as order_id,
    jsonb_agg(jsonb_build_object('event_key', event_key, 'message_id', message_id,
                                 'received_at', received_at) order by received_at) as inbox
  from inbox where {aggregate_id} group by aggregate_id`;

/** The event is compared with its row by the database: amounts would be rounded on their way through JSON. */
const outboxOf = (agrees: string, table: string): string => `select aggregate_id as order_id,
    jsonb_agg(jsonb_build_object('id', outbox.id, 'type', type, 'version', (payload->>'version')::int,
                                 'created_at', outbox.created_at, 'published_at', published_at, 'attempts', attempts,
                                 'last_error', last_error, 'agrees', ${agrees}) order by outbox.id) as outbox
  from outbox left join ${table} on order_id = aggregate_id
  where {aggregate_id} group by aggregate_id`;

const ordersSide = `
  with sent as (${outboxOf(
    `payload->>'customer_id' = customer_id and payload->'items' = items
       and (payload->>'total_amount')::numeric = total_amount and payload->>'order_id' = order_id`,
    'orders',
  )}), received as (${inboxOf}), history as (
    select order_id, jsonb_agg(jsonb_build_object('version', version, 'type', type, 'at', at, 'detail', detail)
                               order by id) as history
    from order_events where {order_id} group by order_id
  ), placed as (
    select order_id, jsonb_build_object(
        'status', status, 'version', version, 'total_amount', total_amount::text, 'customer_id', customer_id,
        'failure_reason', failure_reason, 'workflow_id', workflow_id, 'created_at', created_at,
        'updated_at', updated_at, 'past_retention', created_at < now() - {retention_days} * interval '1 day') as order
    from orders where {order_id}
  )
  select order_id, "order", history, outbox, inbox
  from placed full join history using (order_id) full join sent using (order_id) full join received using (order_id)
  order by order_id collate "C"`;

const processorSide = `
  with sent as (${outboxOf(
    `payload->>'status' = status and payload->>'reason' is not distinct from reason
       and (payload->>'version')::int = version and payload->>'order_id' = order_id`,
    'processing_states',
  )}), received as (${inboxOf}), decided as (
    select order_id, jsonb_build_object(
        'status', status, 'reason', reason, 'version', version,
        'processed_at', processed_at, 'past_retention', processed_at < now() - {retention_days} * interval '1 day') as verdict
    from processing_states where {order_id}
  )
  select order_id, verdict, inbox, outbox
  from decided full join received using (order_id) full join sent using (order_id)
  order by order_id collate "C"`;

/** What is known of one order; all fields empty when nothing is. */
export async function dossierOf(databases: Databases, orderId: string): Promise<Dossier> {
  const { ordersDb, processorDb } = databases;
  const one = (statement: string): string => narrowed(statement, databases, (column) => `${column} = $1`);
  const [ours, theirs] = await Promise.all([
    ordersDb.query<OrdersSide>(one(ordersSide), [orderId]),
    processorDb.query<ProcessorSide>(one(processorSide), [orderId]),
  ]);
  return together(orderId, ours.rows[0], theirs.rows[0]);
}

/** What is known of every order, by id; each database is read as it was at one moment. */
export async function* allDossiers(databases: Databases): AsyncGenerator<Dossier> {
  const all = (statement: string): string => narrowed(statement, databases, () => 'true');
  const ours = rowsOf<OrdersSide>(databases.ordersDb, all(ordersSide));
  const theirs = rowsOf<ProcessorSide>(databases.processorDb, all(processorSide));
  try {
    let [left, right] = [await ours.next(), await theirs.next()];
    while (!left.done || !right.done) {
      const order = left.done ? 1 : right.done ? -1 : compareIds(left.value.order_id, right.value.order_id);
      const mine = order <= 0 && !left.done ? left.value : undefined;
      const other = order >= 0 && !right.done ? right.value : undefined;
      yield together((mine ?? other)?.order_id ?? '', mine, other);
      if (mine) left = await ours.next();
      if (other) right = await theirs.next();
    }
  } finally {
    await ours.return(undefined);
    await theirs.return(undefined);
  }
}

/** Each part of the statement reads these orders only; a cursor's statement takes no parameters. */
function narrowed(statement: string, { outboxRetentionDays }: Databases, condition: (column: string) => string) {
  return statement
    .replaceAll('{retention_days}', String(outboxRetentionDays))
    .replaceAll(/\{(\w+)\}/g, (_, column: string) => condition(column));
}

/** As Postgres orders them with collation C: by their bytes. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A cursor: however many rows there are, a few of them are in memory. */
async function* rowsOf<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: string,
): AsyncGenerator<Row, undefined> {
  const client = await pool.connect();
  try {
    await client.query('begin read only');
    await client.query(`declare dossiers no scroll cursor for ${statement}`);
    for (;;) {
      const { rows } = await client.query<Row>(`fetch ${rowsPerFetch} from dossiers`);
      if (rows.length === 0) return;
      yield* rows;
    }
  } finally {
    // Closing the connection ends the transaction, whatever state it is in.
    client.release(true);
  }
}

function together(orderId: string, ours: OrdersSide | undefined, theirs: ProcessorSide | undefined): Dossier {
  return {
    orderId,
    order: ours?.order ?? undefined,
    history: ours?.history ?? [],
    sent: ours?.outbox ?? [],
    answersReceived: ours?.inbox ?? [],
    verdict: theirs?.verdict ?? undefined,
    received: theirs?.inbox ?? [],
    answersSent: theirs?.outbox ?? [],
  };
}
