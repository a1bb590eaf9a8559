import type { Queryable } from '../postgres/pool.js';
import { storable, storableText } from './storable.js';

/** Who does something by hand, and why; both are kept. */
export interface Operator {
  readonly who: string;
  readonly reason: string;
}

export interface OperatorAction extends Operator {
  readonly at: Date;
  readonly action: string;
  readonly orderId: string | null;
  readonly detail: object;
}

/**
 * Written before the action itself: an action that then fails is noted too, and none happens without a note. Whatever a
 * message contains can be kept: see `storable`.
 */
export async function noteAction(
  ordersDb: Queryable,
  { who, reason }: Operator,
  { action, orderId, detail }: Pick<OperatorAction, 'action' | 'orderId' | 'detail'>,
): Promise<void> {
  await ordersDb.query(
    `insert into operator_actions (who, action, reason, order_id, detail) values ($1, $2, $3, $4, $5)`,
    [
      storableText(who),
      action,
      storableText(reason),
      orderId && storableText(orderId),
      JSON.stringify(storable(detail)),
    ],
  );
}

/** What was done about this order, the oldest first. */
export async function actionsOn(ordersDb: Queryable, orderId: string): Promise<OperatorAction[]> {
  const { rows } = await ordersDb.query<OperatorAction>(
    `select who, reason, at, action, order_id as "orderId", detail
     from operator_actions where order_id = $1 order by id`,
    [orderId],
  );
  return rows;
}
