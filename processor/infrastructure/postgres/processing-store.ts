import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { claimOwedSignals, isRecorded, oweSignal, recordOnce, settleSignal } from '../../../infra/messaging/inbox.js';
import { addToOutbox, claimOverdue } from '../../../infra/messaging/outbox.js';
import { inTransaction, type Queryable } from '../../../infra/postgres/pool.js';
import { orderProcessed, type OrderProcessed } from '../../../workflows/order-events.js';
import type { CreatedOrder, ProcessedOrder, ProcessingStore } from '../../application/ports.js';

const columns = 'order_id as "orderId", status, reason, version';

/** Verdicts in Postgres. @param graceMs how long an answer's workflow has before the reconciler takes a look */
export function createProcessingStore(pool: pg.Pool, graceMs: number): ProcessingStore {
  return {
    process: (order, decide) =>
      inTransaction(pool, async (tx) => {
        const { eventKey, messageId, orderId } = order;
        await recordOnce(tx, { eventKey, messageId, aggregateId: orderId });
        // The verdict's own row decides who is first: it is still there when the inbox has been cleaned.
        const known = await findState(tx, orderId);
        if (known) return { processed: known, first: false };
        const processed = await insertState(tx, order, decide());
        const message = {
          id: uuidv7(),
          aggregateId: orderId,
          type: orderProcessed.type,
          payload: toOrderProcessed(processed),
          headers: { traceparent: order.traceparent },
        };
        await addToOutbox(tx, message, graceMs);
        return { processed, first: true };
      }),

    isKnown: (eventKey) => isRecorded(pool, eventKey),
    oweOutcome: (eventKey) => oweSignal(pool, eventKey),
    claimOwedOutcomes: async (limit, recheckMs) => {
      const owed = await claimOwedSignals(pool, limit, recheckMs);
      return Promise.all(
        owed.map(async ({ eventKey, aggregateId }) => ({ eventKey, processed: await getState(pool, aggregateId) })),
      );
    },
    clearOwedOutcome: (eventKey) => settleSignal(pool, eventKey),
    claimUnpublished: async (limit, recheckMs) => {
      const overdue = await claimOverdue(pool, limit, recheckMs);
      return Promise.all(overdue.map(({ aggregateId }) => getState(pool, aggregateId)));
    },
  };
}

async function insertState(tx: Queryable, order: CreatedOrder, verdict: { status: string; reason?: string }) {
  const { rows } = await tx.query<ProcessedOrder>(
    `insert into processing_states (order_id, status, reason, version)
     values ($1, $2, $3, $4)
     returning ${columns}`,
    [order.orderId, verdict.status, verdict.reason ?? null, order.version + 1],
  );
  if (!rows[0]) throw new Error('the insert returned no row');
  return rows[0];
}

async function findState(db: Queryable, orderId: string): Promise<ProcessedOrder | undefined> {
  const { rows } = await db.query<ProcessedOrder>(`select ${columns} from processing_states where order_id = $1`, [
    orderId,
  ]);
  return rows[0];
}

async function getState(db: Queryable, orderId: string): Promise<ProcessedOrder> {
  const state = await findState(db, orderId);
  if (!state) throw new Error(`order ${orderId} has an answer but no processing state`);
  return state;
}

function toOrderProcessed({ orderId, status, reason, version }: ProcessedOrder): OrderProcessed {
  return reason === null ? { order_id: orderId, status, version } : { order_id: orderId, status, reason, version };
}
