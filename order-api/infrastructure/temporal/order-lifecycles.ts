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

  async function askToPublishAgain(workflowId: string, orderIds: readonly string[]): Promise<void> {
    if (await client.askToPublishAgain(workflowId, orderIds)) return;
    // The group has closed, and moved the last of its orders to workflows of their own.
    const owns = orderIds.map((id) => [workflowIdOf(id), id] as const).filter(([own]) => own !== workflowId);
    await Promise.all(owns.map(([own, id]) => client.askToPublishAgain(own, [id])));
  }

  return {
    startSoon: (orderId) => starter.startSoon(orderId),
    ensureDriven: async (orders) => {
      const neverStarted = orders.filter(({ workflowId }) => workflowId === null);
      const lost = await Promise.all(byWorkflow(orders).map(([workflowId, some]) => undriven(workflowId, some)));
      await starter.startAll([...neverStarted, ...lost.flat()]);
    },
    publishAgain: async (orders) => {
      await Promise.all(
        byWorkflow(orders).map(([workflowId, some]) =>
          askToPublishAgain(
            workflowId,
            some.map(({ orderId }) => orderId),
          ),
        ),
      );
    },
    tellSettled: async ({ orderId, status, version, workflowId }, answeredBy) => {
      if (status === 'pending') return;
      const known = [workflowId, answeredBy].filter((id) => typeof id === 'string');
      await client.tellSettled(orderId, { status, version }, known);
    },
    tellAllSettled: async (workflowId, orders) => void (await client.tellAllSettled(workflowId, orders)),
    findOpen: (olderThanMs, limit) => client.listOpen(new Date(Date.now() - olderThanMs), limit),
  };
}

/** Those that are in a workflow, by it. */
function byWorkflow(orders: readonly PendingOrder[]): [string, PendingOrder[]][] {
  const carried = new Map<string, PendingOrder[]>();
  for (const order of orders) {
    if (order.workflowId === null) continue;
    carried.set(order.workflowId, [...(carried.get(order.workflowId) ?? []), order]);
  }
  return [...carried];
}
