import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { claimOwedSignals, isRecorded, oweSignal, recordOnce, settleSignal } from '../../../infra/messaging/inbox.js';
import { addToOutbox, claimOverdue } from '../../../infra/messaging/outbox.js';
import { isPostgresOutage } from '../../../infra/postgres/outage.js';
import { inTransaction, type Queryable } from '../../../infra/postgres/pool.js';
import { createBatcher } from '../../../infra/runtime/batcher.js';
import { orderProcessed, type OrderProcessed } from '../../../workflows/order-events.js';
import type { CreatedOrder, ProcessedOrder, ProcessingStore } from '../../application/ports.js';
import type { Verdict } from '../../domain/verdict.js';

const columns = 'order_id as "orderId", status, reason, version, workflow_id as "workflowId"';

/** Orders that come at once are stored in one transaction. */
const batching = { isOutage: isPostgresOutage, maxSize: 100, maxAgeMs: 5, maxInFlight: 2 };

interface Processing {
  readonly order: CreatedOrder;
  readonly decide: () => Verdict;
}

/** Verdicts in Postgres. @param graceMs how long an answer's workflow has before the reconciler takes a look */
export function createProcessingStore(pool: pg.Pool, graceMs: number): ProcessingStore {
  const processTogether = createBatcher<Processing, { processed: ProcessedOrder; first: boolean }>({
    ...batching,
    work: (wanted) => inTransaction(pool, (tx) => processAll(tx, wanted, graceMs)),
  });
  return {
    process: (order, decide) => processTogether({ order, decide }),
    isKnown: (eventKey) => isRecorded(pool, eventKey),
    oweOutcome: (eventKey) => oweSignal(pool, eventKey),
    claimOwedOutcomes: async (limit, recheckMs) => {
      const owed = await claimOwedSignals(pool, limit, recheckMs);
      const states = await getStates(pool, owed);
      return owed.map(({ eventKey }, index) => ({ eventKey, processed: states[index] as ProcessedOrder }));
    },
    clearOwedOutcome: (eventKey) => settleSignal(pool, eventKey),
    claimUnpublished: async (limit, recheckMs) => {
      return getStates(pool, await claimOverdue(pool, limit, recheckMs));
    },
  };
}

async function processAll(tx: Queryable, wanted: readonly Processing[], graceMs: number) {
  const orders = wanted.map(({ order }) => order);
  await recordOnce(
    tx,
    orders.map(({ eventKey, messageId, orderId }) => ({ eventKey, messageId, aggregateId: orderId })),
  );
  // The verdict's own row decides who is first: it is still there when the inbox has been cleaned.
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
    const answers = decided.map(({ processed, order }) => ({
      id: uuidv7(),
      aggregateId: order.orderId,
      type: orderProcessed.type,
      payload: toOrderProcessed(processed),
      headers: { traceparent: order.traceparent },
    }));
    await addToOutbox(tx, answers, graceMs);
  }
  return results;
}

function toProcessedOrder({ orderId, version, workflowId }: CreatedOrder, verdict: Verdict): ProcessedOrder {
  const reason = verdict.status === 'failed' ? verdict.reason : null;
  return { orderId, status: verdict.status, reason, version: version + 1, workflowId };
}

async function insertStates(tx: Queryable, processed: readonly ProcessedOrder[]): Promise<void> {
  await tx.query({
    name: 'insert-states',
    text: `insert into processing_states (order_id, status, reason, version, workflow_id)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[])`,
    values: [
      processed.map(({ orderId }) => orderId),
      processed.map(({ status }) => status),
      processed.map(({ reason }) => reason),
      processed.map(({ version }) => version),
      processed.map(({ workflowId }) => workflowId),
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

/** The states behind outbox or inbox rows, one for each and in their order. */
async function getStates(db: Queryable, of: readonly { aggregateId: string }[]): Promise<ProcessedOrder[]> {
  const states = await findStates(
    db,
    of.map(({ aggregateId }) => aggregateId),
  );
  return of.map(({ aggregateId }) => {
    const state = states.get(aggregateId);
    if (!state) throw new Error(`order ${aggregateId} has an answer but no processing state`);
    return state;
  });
}

function toOrderProcessed({ orderId, status, reason, version }: ProcessedOrder): OrderProcessed {
  return reason === null ? { order_id: orderId, status, version } : { order_id: orderId, status, reason, version };
}
