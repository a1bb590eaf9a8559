import { WorkflowNotFoundError } from '@temporalio/client';
import { checkNowSignal, workflowIdOf } from '../../workflows/contract/messages.js';
import type { LiveSystem } from './live-system.js';
import { recordAction, type Operator } from './operator-actions.js';

export interface RetryResult {
  /** The pending order and unpublished events that the reconciler and the sweepers now check at once. */
  readonly due: readonly string[];
  /** The id of the workflow that was asked to check now; undefined when none is open. */
  readonly workflowId: string | undefined;
}

/**
 * Makes every check of this order due now. If its workflow is open, that asks both services and republishes lost
 * events. Repeating this is safe, because each event takes effect once.
 * @returns undefined when there is no such order
 * @throws CliError when Temporal is unavailable; then nothing is recorded
 */
export async function retryOrder(
  system: LiveSystem,
  orderId: string,
  operator: Operator,
): Promise<RetryResult | undefined> {
  const { ordersDb, processorDb, temporal } = system;
  const { rows } = await ordersDb.query<{ status: string; workflow_id: string | null }>(
    'select status, workflow_id from operations.orders where order_id = $1',
    [orderId],
  );
  const [order] = rows;
  if (!order) return undefined;
  await recordAction(ordersDb, operator, { action: 'retry', orderId, detail: { status: order.status } });
  const unpublished = 'update operations.outbox set check_at = now() where aggregate_id = $1 and published_at is null';
  const pending = `update operations.orders set check_at = now() where order_id = $1 and status = 'pending'`;
  const statements = [
    [ordersDb, pending, 'the pending order'],
    [ordersDb, unpublished, 'its unpublished event'],
    [processorDb, unpublished, 'its unpublished outcome'],
  ] as const;
  const due: string[] = [];
  for (const [database, statement, what] of statements) {
    const { rowCount } = await database.query(statement, [orderId]);
    if (rowCount) due.push(what);
  }
  const workflowId =
    order.status === 'pending' ? await signalOpenWorkflow(temporal, orderId, order.workflow_id) : undefined;
  return { due, workflowId };
}

async function signalOpenWorkflow(temporal: LiveSystem['temporal'], orderId: string, assignedId: string | null) {
  const ownId = workflowIdOf(orderId);
  for (const id of new Set([assignedId ?? ownId, ownId])) {
    try {
      await temporal.workflow.getHandle(id).signal(checkNowSignal);
      return id;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return undefined;
}
