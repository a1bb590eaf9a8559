import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { OrderWorkflows } from '../../application/ports.js';

/** Implements the processor's port to the order workflows in Temporal. */
export function createOrderWorkflows(client: Pick<OrderWorkflowClient, 'signalOutcomeReady'>): OrderWorkflows {
  return {
    signalOutcomeReady: async ({ orderId, status, version }, workflowId) =>
      workflowId !== undefined && client.signalOutcomeReady(workflowId, { orderId, status, version }),
  };
}
