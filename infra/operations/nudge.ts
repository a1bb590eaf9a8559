import { checkNowSignal, workflowIdOf } from '../../workflows/messages.js';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { LiveSystem } from './live-system.js';
import { noteAction, type Operator } from './operator-actions.js';

/** What a nudge has set off. */
export interface Nudge {
  /** Pending orders and unpublished events that the reconciler and the sweepers now look at with their next pass. */
  readonly due: readonly string[];
  /** The workflow that was asked to look for itself now. */
  readonly askedAgain: string | undefined;
}

/**
 * Has this order looked after now: whatever would be looked at later is due at once, and its workflow, if one is open,
 * asks both services, and has published again what was lost. Harmless however often: events have their effect once.
 * @returns undefined when there is no such order
 */
export async function nudge(system: LiveSystem, orderId: string, operator: Operator): Promise<Nudge | undefined> {
  // Temporal, too, before anything is noted.
  const { ordersDb, processorDb, temporal } = system;
  const { rows } = await ordersDb.query<{ status: string; workflow_id: string | null }>(
    'select status, workflow_id from orders where order_id = $1',
    [orderId],
  );
  const [order] = rows;
  if (!order) return undefined;
  await noteAction(ordersDb, operator, { action: 'nudge', orderId, detail: { status: order.status } });
  const unpublished = `update outbox set check_at = now() where aggregate_id = $1 and published_at is null`;
  const statements = [
    [ordersDb, `update orders set check_at = now() where order_id = $1 and status = 'pending'`, 'the pending order'],
    [ordersDb, unpublished, 'its unpublished event'],
    [processorDb, unpublished, 'its unpublished outcome'],
  ] as const;
  const due: string[] = [];
  for (const [database, statement, what] of statements) {
    const { rowCount } = await database.query(statement, [orderId]);
    if (rowCount) due.push(what);
  }
  const askedAgain = order.status === 'pending' ? await askAgain(temporal, orderId, order.workflow_id) : undefined;
  return { due, askedAgain };
}

async function askAgain(temporal: LiveSystem['temporal'], orderId: string, workflowId: string | null) {
  const own = workflowIdOf(orderId);
  for (const id of new Set([workflowId ?? own, own])) {
    try {
      await temporal.workflow.getHandle(id).signal(checkNowSignal);
      return id;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return undefined;
}
