import type { Queryable } from '../postgres/pool.js';
import { orderProcessed } from '../../workflows/order-events.js';
import type { Discarded } from './invariants.js';
import { storable, storableText } from './storable.js';

/** Who performs an action, and why. Both are recorded. */
export interface Operator {
  readonly who: string;
  readonly reason: string;
}

export interface OperatorAction extends Operator {
  readonly at: Date;
  readonly action: string;
  readonly orderId: string | null;
  readonly detail: { readonly message_id?: string; readonly type?: string };
}

/**
 * Records an action. Callers record before they act, so no action happens unrecorded; an action that fails afterwards
 * is recorded too. Any content of a message can be recorded; see `storable`.
 */
export async function recordAction(
  ordersDb: Queryable,
  { who, reason }: Operator,
  { action, orderId, detail }: { action: string; orderId: string | null; detail: object },
): Promise<void> {
  await ordersDb.query(
    `insert into operations.actions (who, action, reason, order_id, detail) values ($1, $2, $3, $4, $5)`,
    [
      storableText(who),
      action,
      storableText(reason),
      orderId && storableText(orderId),
      JSON.stringify(storable(detail)),
    ],
  );
}

/** Returns the recorded actions on this order, the oldest first. */
export async function actionsOn(ordersDb: Queryable, orderId: string): Promise<OperatorAction[]> {
  const { rows } = await ordersDb.query<OperatorAction>(
    `select who, reason, at, action, order_id as "orderId", detail
     from operations.actions where order_id = $1 order by id`,
    [orderId],
  );
  return rows;
}

/** Returns every message that an operator has discarded. */
export async function allDiscarded(ordersDb: Queryable): Promise<Discarded> {
  const { rows } = await ordersDb.query<Pick<OperatorAction, 'action' | 'orderId' | 'detail'>>(
    `select action, order_id as "orderId", detail - 'content' - 'properties' as detail
     from operations.actions where action = 'discard'`,
  );
  return discardedIn(rows);
}

/** Returns the messages that these actions discarded. */
export function discardedIn(actions: readonly Pick<OperatorAction, 'action' | 'orderId' | 'detail'>[]): Discarded {
  const discards = actions.filter(({ action }) => action === 'discard');
  const processed = discards.filter(({ detail }) => detail.type === orderProcessed.type);
  return {
    messageIds: new Set(discards.flatMap(({ detail }) => detail.message_id ?? [])),
    processedOrderIds: new Set(processed.flatMap(({ orderId }) => orderId ?? [])),
  };
}
