import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { isRecorded, recordOnce } from '../../../infra/messaging/inbox.js';
import { addToOutbox } from '../../../infra/messaging/outbox.js';
import { isPostgresOutage } from '../../../infra/postgres/outage.js';
import { inTransaction, type Queryable } from '../../../infra/postgres/pool.js';
import { createBatcher } from '../../../infra/runtime/batcher.js';
import { orderProcessed, type OrderProcessed } from '../../../workflows/order-events.js';
import type { CreatedOrder, ProcessedOrder, ProcessingStore } from '../../application/ports.js';
import type { Decision } from '../../domain/decision.js';

const columns = 'order_id as "orderId", status, reason, version';

/** Orders that arrive at the same time are stored in one transaction. */
const batching = { isOutage: isPostgresOutage, maxBatchSize: 100, maxAgeMs: 5, maxInFlight: 2 };

interface Processing {
  readonly order: CreatedOrder;
  readonly decide: () => Decision;
}

/** Stores outcomes in Postgres. @param graceMs how long after an outcome is stored the sweeper first checks it */
export function createProcessingStore(pool: pg.Pool, graceMs: number): ProcessingStore {
  const processInBatch = createBatcher<Processing, { processed: ProcessedOrder; first: boolean }>({
    ...batching,
    run: (wanted) => inTransaction(pool, (tx) => processAll(tx, wanted, graceMs)),
  });
  return {
    process: (order, decide) => processInBatch({ order, decide }),
    isKnown: (eventKey) => isRecorded(pool, eventKey),
    findProcessed: async (orderIds) => [...(await findStates(pool, orderIds)).values()],
  };
}

async function processAll(tx: Queryable, wanted: readonly Processing[], graceMs: number) {
  const orders = wanted.map(({ order }) => order);
  await recordOnce(
    tx,
    orders.map(({ eventKey, messageId, orderId }) => ({ eventKey, messageId, aggregateId: orderId })),
  );
  // The outcome's row, not the inbox, determines which event is first: it still exists after the inbox is cleaned.
  const states = await findStates(
    tx,
    orders.map(({ orderId }) => orderId),
  );
  const decided: { processed: ProcessedOrder; order: CreatedOrder }[] = [];
  const results = wanted.map(({ order, decide }) => {
    const known = states.get(order.orderId);
    if (known) return { processed: known, first: false };
    const processed = toProcessedOrder(order, decide());
    states.set(order.orderId, processed);
    decided.push({ processed, order });
    return { processed, first: true };
  });
  if (decided.length > 0) {
    await insertStates(
      tx,
      decided.map(({ processed }) => processed),
    );
    const events = decided.map(({ processed, order }) => ({
      id: uuidv7(),
      aggregateId: order.orderId,
      type: orderProcessed.type,
      payload: toOrderProcessed(processed),
      headers: { traceparent: order.traceparent },
    }));
    await addToOutbox(tx, events, graceMs);
  }
  return results;
}

function toProcessedOrder({ orderId, version }: CreatedOrder, decision: Decision): ProcessedOrder {
  const reason = decision.status === 'failed' ? decision.reason : null;
  return { orderId, status: decision.status, reason, version: version + 1 };
}

async function insertStates(tx: Queryable, processed: readonly ProcessedOrder[]): Promise<void> {
  await tx.query({
    name: 'insert-states',
    text: `insert into processing_states (order_id, status, reason, version)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::int[])`,
    values: [
      processed.map(({ orderId }) => orderId),
      processed.map(({ status }) => status),
      processed.map(({ reason }) => reason),
      processed.map(({ version }) => version),
    ],
  });
}

async function findStates(db: Queryable, orderIds: readonly string[]): Promise<Map<string, ProcessedOrder>> {
  const { rows } = await db.query<ProcessedOrder>({
    name: 'find-states',
    text: `select ${columns} from processing_states where order_id = any($1)`,
    values: [orderIds],
  });
  return new Map(rows.map((state) => [state.orderId, state]));
}

function toOrderProcessed({ orderId, status, reason, version }: ProcessedOrder): OrderProcessed {
  return reason === null ? { order_id: orderId, status, version } : { order_id: orderId, status, reason, version };
}
