import type { LifecycleClient } from '../../../workflows/client.js';
import type { OrderLifecycles, ProcessedOrder } from '../../application/ports.js';

/** The order workflows in Temporal, as the processor talks to them. */
export function createOrderLifecycles(client: LifecycleClient): OrderLifecycles {
  const tell = ({ orderId, status, version, workflowId }: ProcessedOrder, askedBy: string | null = null) => {
    const known = [workflowId, askedBy].filter((id) => id !== null);
    return client.tellOutcome(orderId, { status, version }, known);
  };
  return {
    tellOutcome: async (processed, askedBy) => {
      await tell(processed, askedBy);
    },
    tellOutcomeAndStart: async (processed) => {
      if (await tell(processed)) return;
      const { orderId, status, version } = processed;
      await client.tellOutcomeAndStart(orderId, { status, version });
    },
  };
}
