import { isPostgresOutage } from '../../../infra/postgres/outage.js';
import type { Logger } from '../../../infra/runtime/logger.js';
import { isTemporalOutage } from '../../../infra/temporal/outage.js';
import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { FirstEvents } from './first-events.js';
import { newGroupId, takeGroup, type OrderGroup } from './order-groups.js';
import type { OrderStore, PendingOrder } from '../../application/ports.js';

export interface GroupStartOptions {
  readonly client: Pick<OrderWorkflowClient, 'start' | 'signalCheckNow'>;
  readonly store: Pick<OrderStore, 'assignWorkflow'>;
  /** How long a workflow waits without progress before it checks by itself. */
  readonly checkAfterMs: number;
  readonly logger: Logger;
  readonly firstEvents: Pick<FirstEvents, 'of'>;
}

/** Returns true when the same start, unchanged, can succeed later. */
export function isStartOutage(error: unknown): boolean {
  return isTemporalOutage(error) || isPostgresOutage(error);
}

/**
 * Starts the workflow of a group of orders. The orders are first assigned to it in the database, and it carries only
 * those that are not assigned elsewhere, so the starters and reconcilers of all instances never start an order twice.
 */
export function createGroupStart({ client, store, checkAfterMs, logger, firstEvents }: GroupStartOptions) {
  /** Resolves when the workflow has published its first events. @throws when the start fails, for any reason */
  async function start({ workflowId, orders }: OrderGroup<PendingOrder>): Promise<void> {
    const orderIds = await store.assignWorkflow(orders, workflowId);
    if (orderIds.length === 0) return;
    // The events may be published before the call that starts the workflow returns.
    const published = firstEvents.of(workflowId);
    const result = await client.start(workflowId, { orderIds, checkAfterMs });
    if (result === 'taken') {
      const freshId = newGroupId();
      logger.warn(
        { workflow_id: workflowId, fresh_workflow_id: freshId, order_ids: orderIds },
        'the workflow id is taken by an unrelated workflow; starting under a new id',
      );
      return start({ workflowId: freshId, orders: orderIds.map((orderId) => ({ orderId, workflowId })) });
    }
    // The running workflow may have begun to wait before the orders were placed again.
    if (result === 'running') await client.signalCheckNow(workflowId);
    else await published;
  }

  /**
   * Like `start`, but returns the ids of the orders that could not be started because of an outage. When Temporal
   * refuses a group, its orders are tried one by one; an order that is refused on its own is logged. Never throws.
   */
  async function tryToStart(group: OrderGroup<PendingOrder>): Promise<string[]> {
    const { workflowId, orders } = group;
    try {
      await start(group);
      return [];
    } catch (error) {
      if (isStartOutage(error)) {
        logger.warn(
          { err: error, workflow_id: workflowId },
          'a workflow could not be started; the reconciler will retry',
        );
        return orders.map(({ orderId }) => orderId);
      }
      if (orders.length === 1) {
        logger.error({ err: error, workflow_id: workflowId }, 'Temporal refused to start a workflow');
        return [];
      }
      const assigned = orders.map(({ orderId }) => ({ orderId, workflowId }));
      const alone = assigned.flatMap((order) => takeGroup([order], 1) ?? []);
      return (await Promise.all(alone.map(tryToStart))).flat();
    }
  }

  return { start, tryToStart };
}
