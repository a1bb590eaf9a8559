import assert from 'node:assert/strict';
import type { LifecycleClient, WorkflowState } from '../../../workflows/client.js';
import type { PendingOrder } from '../../application/ports.js';
import type { Order } from '../../domain/order.js';
import { createOrderLifecycles } from './order-lifecycles.js';
import type { WorkflowStarter } from './workflow-starter.js';

describe('the order API and its workflows', () => {
  it('orders that nobody has tried to start are started, without a question to Temporal', async () => {
    const { lifecycles, started, asked } = setUp({});
    await lifecycles.ensureDriven([pending('a', null), pending('b', null)]);
    assert.deepEqual([started, asked], [['a', 'b'], []]);
  });

  it('orders that wait in a workflow are left to it, asked for once however many they are', async () => {
    const { lifecycles, started, asked } = setUp({ 'orders-1': 'running' });
    await lifecycles.ensureDriven([pending('a', 'orders-1'), pending('b', 'orders-1')]);
    assert.deepEqual([started, asked], [[], ['orders-1']]);
  });

  it('orders whose workflow is lost are started again', async () => {
    const { lifecycles, started } = setUp({ 'orders-2': 'running' });
    await lifecycles.ensureDriven([pending('a', 'orders-1'), pending('b', 'orders-2'), pending('c', 'order-c')]);
    assert.deepEqual(started, ['a', 'c']);
  });

  it('an order that its group has left behind is looked for in its own workflow', async () => {
    const { lifecycles, started } = setUp({ 'orders-1': 'completed', 'order-a': 'running' });
    await lifecycles.ensureDriven([pending('a', 'orders-1'), pending('b', 'orders-1')]);
    assert.deepEqual(started, ['b']);
  });

  it('an order whose own workflow has completed is not started again', async () => {
    const { lifecycles, started } = setUp({ 'order-a': 'completed' });
    await lifecycles.ensureDriven([pending('a', 'order-a')]);
    assert.deepEqual(started, []);
  });

  it('what is overdue is published again by the workflow that carries it, asked once for all of its orders', async () => {
    const { lifecycles, publishedAgain } = setUp({ 'orders-1': 'running', 'order-c': 'running' });
    await lifecycles.publishAgain([pending('a', 'orders-1'), pending('b', 'orders-1'), pending('c', 'order-c')]);
    assert.deepEqual(publishedAgain, ['orders-1 a b', 'order-c c']);
  });

  it('what its group has left behind is published again by its own workflow', async () => {
    const { lifecycles, publishedAgain } = setUp({ 'order-a': 'running' });
    await lifecycles.publishAgain([pending('a', 'orders-1'), pending('b', 'order-b'), pending('c', null)]);
    assert.deepEqual(publishedAgain, ['order-a a']);
  });

  it("of a settlement both workflows are told: the order's, and the one that published the answer", async () => {
    const { lifecycles, told } = setUp({});
    const order = { orderId: 'a', status: 'done', version: 2, workflowId: 'orders-1' } as Order;
    await lifecycles.tellSettled(order, 'order-a');
    await lifecycles.tellSettled({ ...order, workflowId: null });
    await lifecycles.tellSettled({ ...order, status: 'pending' });
    assert.deepEqual(told, [
      ['a', 'done', 'orders-1', 'order-a'],
      ['a', 'done'],
    ]);
  });
});

function pending(orderId: string, workflowId: string | null): PendingOrder {
  return { orderId, workflowId };
}

function setUp(states: Readonly<Record<string, WorkflowState>>) {
  const [started, asked, told]: [string[], string[], string[][]] = [[], [], []];
  const publishedAgain: string[] = [];
  const fakeClient: Partial<LifecycleClient> = {
    stateOf: async (workflowId) => {
      asked.push(workflowId);
      return states[workflowId] ?? 'lost';
    },
    askToPublishAgain: async (workflowId, orderIds) => {
      if (states[workflowId] !== 'running') return false;
      publishedAgain.push([workflowId, ...orderIds].join(' '));
      return true;
    },
    tellSettled: async (orderId, { status }, workflowIds) => {
      told.push([orderId, status, ...workflowIds]);
      return true;
    },
  };
  const fakeStarter: Partial<WorkflowStarter> = {
    startAll: async (orders) => void started.push(...orders.map(({ orderId }) => orderId)),
  };
  return {
    lifecycles: createOrderLifecycles(fakeClient as LifecycleClient, fakeStarter as WorkflowStarter),
    ...{ started, asked, told, publishedAgain },
  };
}
