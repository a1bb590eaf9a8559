import type { LifecycleClient } from '../../../workflows/client.js';
import { workflowIdOf } from '../../../workflows/messages.js';
import type { OrderLifecycles, PendingOrder } from '../../application/ports.js';
import type { WorkflowStarter } from './workflow-starter.js';

/** The workflows of orders in Temporal, as the order API talks to them. */
export function createOrderLifecycles(client: LifecycleClient, starter: WorkflowStarter): OrderLifecycles {
  /** The orders among these, all of one workflow, that nobody carries. */
  async function undriven(workflowId: string, orders: readonly PendingOrder[]): Promise<PendingOrder[]> {
    const state = await client.stateOf(workflowId);
    if (state === 'running') return [];
    if (state === 'lost') return [...orders];
    // A workflow that has completed has settled its orders, or moved the last of them to workflows of their own.
    const states = await Promise.all(
      orders.map(async (order) => {
        const own = workflowIdOf(order.orderId);
        return { order, state: own === workflowId ? state : await client.stateOf(own) };
      }),
    );
    return states.filter((each) => each.state === 'lost').map(({ order }) => order);
  }

  return {
    startSoon: (orderId) => starter.startSoon(orderId),
    ensureDriven: async (orders) => {
      const neverStarted = orders.filter(({ workflowId }) => workflowId === null);
      const carried = new Map<string, PendingOrder[]>();
      for (const order of orders) {
        if (order.workflowId === null) continue;
        carried.set(order.workflowId, [...(carried.get(order.workflowId) ?? []), order]);
      }
      const lost = await Promise.all([...carried].map(([workflowId, some]) => undriven(workflowId, some)));
      await starter.startAll([...neverStarted, ...lost.flat()]);
    },
    tellSettled: async ({ orderId, status, version, workflowId }, answeredBy) => {
      if (status === 'pending') return;
      const known = [workflowId, answeredBy].filter((id) => typeof id === 'string');
      await client.tellSettled(orderId, { status, version }, known);
    },
  };
}
