import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { OrderWorkflows } from '../../application/ports.js';

/** The order workflows in Temporal, as the processor talks to them. */
export function createOrderWorkflows(client: Pick<OrderWorkflowClient, 'signalOutcomeReady'>): OrderWorkflows {
  return {
    tellOutcomeReady: async ({ orderId, status, version }, workflowId) =>
      workflowId !== undefined && client.signalOutcomeReady(workflowId, { orderId, status, version }),
  };
}
