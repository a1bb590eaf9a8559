import type { Logger } from '../../../infra/runtime/logger.js';
import { isTemporalOutage } from '../../../infra/temporal/outage.js';
import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { OrderWorkflows, PendingOrder } from '../../application/ports.js';
import type { SettlementWaiters } from './settlement-waiters.js';
import type { WorkflowStarter } from './workflow-starter.js';

export interface OrderWorkflowsOptions {
  readonly client: OrderWorkflowClient;
  readonly starter: WorkflowStarter;
  readonly waiters: SettlementWaiters;
  readonly logger: Logger;
}

/** Implements the order API's port to the order workflows in Temporal. */
export function createOrderWorkflows({ client, starter, waiters, logger }: OrderWorkflowsOptions): OrderWorkflows {
  /**
   * Checks orders that are all assigned to one workflow. Returns the orders that were `checked` and, of these, the ones
   * `missing` from the workflow. An outage leaves all of them unchecked; any other error counts them as checked.
   */
  async function withoutWorkflow(workflowId: string, orders: readonly PendingOrder[]) {
    try {
      const carried = await client.ordersOf(workflowId);
      return { checked: orders, missing: orders.filter(({ orderId }) => !carried.has(orderId)) };
    } catch (error) {
      const isOutage = isTemporalOutage(error);
      logger[isOutage ? 'warn' : 'error']({ err: error, workflow_id: workflowId }, 'a workflow could not be checked');
      return { checked: isOutage ? [] : orders, missing: [] };
    }
  }

  return {
    startSoon: (orderId) => starter.startSoon(orderId),
    ensureWorkflows: async (orders) => {
      const neverStarted = orders.filter(({ workflowId }) => workflowId === null);
      const checks = await Promise.all(
        byWorkflow(orders).map(([workflowId, some]) => withoutWorkflow(workflowId, some)),
      );
      const missing = [...neverStarted, ...checks.flatMap((check) => check.missing)];
      const unavailable = new Set(await starter.startAll(missing));
      const checked = [...neverStarted, ...checks.flatMap((check) => check.checked)].map(({ orderId }) => orderId);
      return checked.filter((orderId) => !unavailable.has(orderId));
    },
    signalSettled: ({ orderId, status, version, workflowId }) => {
      if (status === 'pending') return;
      if (waiters.handOver({ orderId, status, version }) || workflowId === null) return;
      client.signalSettled(workflowId, { orderId, status, version }).catch((error: unknown) => {
        logger[isTemporalOutage(error) ? 'warn' : 'error'](
          { err: error, order_id: orderId, workflow_id: workflowId },
          'the workflow could not be signalled that its order is settled; it will find out at its next check',
        );
      });
    },
  };
}

/** Groups the orders that have a workflow assigned by that workflow. */
function byWorkflow(orders: readonly PendingOrder[]): [string, PendingOrder[]][] {
  const carried = new Map<string, PendingOrder[]>();
  for (const order of orders) {
    if (order.workflowId === null) continue;
    carried.set(order.workflowId, [...(carried.get(order.workflowId) ?? []), order]);
  }
  return [...carried];
}
