import type { LifecycleClient } from '../../../workflows/client.js';
import type { OrderLifecycles } from '../../application/ports.js';

/** The order workflows in Temporal, as the processor talks to them. */
export function createOrderLifecycles(client: LifecycleClient): OrderLifecycles {
  return {
    tellOutcome: async ({ orderId, status, version }) => {
      await client.tellOutcome(orderId, { status, version });
    },
    tellOutcomeAndStart: ({ orderId, status, version }) => client.tellOutcomeAndStart(orderId, { status, version }),
  };
}
