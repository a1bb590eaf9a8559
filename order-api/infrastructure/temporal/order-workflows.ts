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

/** The workflows of orders in Temporal, as the order API talks to them. */
export function createOrderWorkflows({ client, starter, waiters, logger }: OrderWorkflowsOptions): OrderWorkflows {
  /** The orders among these, all of one workflow, that it does not carry; none when Temporal cannot be asked. */
  async function withoutWorkflow(workflowId: string, orders: readonly PendingOrder[]) {
    try {
      const carried = await client.ordersOf(workflowId);
      return { asked: orders, missing: orders.filter(({ orderId }) => !carried.has(orderId)) };
    } catch (error) {
      const isOutage = isTemporalOutage(error);
      logger[isOutage ? 'warn' : 'error'](
        { err: error, workflow_id: workflowId },
        'a workflow could not be looked for',
      );
      return { asked: isOutage ? [] : orders, missing: [] };
    }
  }

  return {
    startSoon: (orderId) => starter.startSoon(orderId),
    ensureWorkflows: async (orders) => {
      const neverStarted = orders.filter(({ workflowId }) => workflowId === null);
      const looks = await Promise.all(
        byWorkflow(orders).map(([workflowId, some]) => withoutWorkflow(workflowId, some)),
      );
      const missing = [...neverStarted, ...looks.flatMap((look) => look.missing)];
      const unavailable = new Set(await starter.startAll(missing));
      const asked = [...neverStarted, ...looks.flatMap((look) => look.asked)].map(({ orderId }) => orderId);
      return asked.filter((orderId) => !unavailable.has(orderId));
    },
    signalSettled: ({ orderId, status, version, workflowId }) => {
      if (status === 'pending') return;
      if (waiters.handOver({ orderId, status, version }) || workflowId === null) return;
      client.signalSettled(workflowId, { orderId, status, version }).catch((error: unknown) => {
        logger[isTemporalOutage(error) ? 'warn' : 'error'](
          { err: error, order_id: orderId, workflow_id: workflowId },
          'the workflow was not told that its order is settled, and will look for itself',
        );
      });
    },
  };
}

/** Those that were given a workflow, by it. */
function byWorkflow(orders: readonly PendingOrder[]): [string, PendingOrder[]][] {
  const carried = new Map<string, PendingOrder[]>();
  for (const order of orders) {
    if (order.workflowId === null) continue;
    carried.set(order.workflowId, [...(carried.get(order.workflowId) ?? []), order]);
  }
  return [...carried];
}
