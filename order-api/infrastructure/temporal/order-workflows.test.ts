import assert from 'node:assert/strict';
import { TemporalUnavailable } from '../../../infra/temporal/outage.js';
import { testLogger } from '../../../infra/dev/testing/test-logger.js';
import type { OrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import type { Order } from '../../domain/order.js';
import { createOrderWorkflows } from './order-workflows.js';
import type { WorkflowStarter } from './workflow-starter.js';

const order: Order = {
  orderId: 'o-1',
  customerId: 'c-1',
  status: 'done',
  totalAmount: 1,
  version: 2,
  items: [],
  failureReason: null,
  workflowId: 'orders-1',
  createdAt: new Date(0),
  updatedAt: new Date(0),
};
const outcome = { orderId: 'o-1', status: 'done', version: 2 } as const;

/** What Temporal returns for each workflow: the orders it carries, or the error of the query. */
type Known = Record<string, readonly string[] | Error>;

function setUp({ known = {}, hasWaiter = false, unavailable = [] as string[], signalFails = false } = {}) {
  const started: string[] = [];
  const signals: unknown[] = [];
  const client: Partial<OrderWorkflowClient> = {
    ordersOf: async (workflowId) => {
      const carried = (known as Known)[workflowId] ?? [];
      if (carried instanceof Error) throw carried;
      return new Set(carried);
    },
    signalSettled: async (workflowId, settled) => {
      if (signalFails) throw new TemporalUnavailable('unavailable');
      signals.push([workflowId, settled]);
      return true;
    },
  };
  const starter: Partial<WorkflowStarter> = {
    startAll: async (orders) => {
      started.push(...orders.map(({ orderId }) => orderId));
      return unavailable;
    },
  };
  const workflows = createOrderWorkflows({
    client: client as OrderWorkflowClient,
    starter: starter as WorkflowStarter,
    waiters: { wait: async () => [], handOver: () => hasWaiter },
    logger: testLogger,
  });
  return { workflows, started, signals };
}

const orders = (...pairs: [string, string | null][]) => pairs.map(([orderId, workflowId]) => ({ orderId, workflowId }));

describe('ensureWorkflows', () => {
  it('starts a workflow for orders that have none assigned and for orders that theirs does not carry', async () => {
    const { workflows, started } = setUp({ known: { 'orders-1': ['carried'], 'order-own': ['own'] } });
    const all = orders(
      ['never', null],
      ['carried', 'orders-1'],
      ['left-out', 'orders-1'],
      ['own', 'order-own'],
      ['lost', 'order-lost'],
    );
    const handled = await workflows.ensureWorkflows(all);
    assert.deepEqual(started, ['never', 'left-out', 'lost']);
    assert.deepEqual(handled.sort(), ['carried', 'left-out', 'lost', 'never', 'own']);
  });

  it('starts the other orders when one cannot be checked, and does not return that one as handled', async () => {
    const { workflows, started } = setUp({ known: { 'orders-1': new TemporalUnavailable('unavailable') } });
    assert.deepEqual(await workflows.ensureWorkflows(orders(['o-1', 'orders-1'], ['o-2', null])), ['o-2']);
    assert.deepEqual(started, ['o-2']);
  });

  it('returns an order as handled when Temporal permanently rejects the request for its workflow', async () => {
    const { workflows, started } = setUp({ known: { 'orders-1': new Error('refused') } });
    assert.deepEqual(await workflows.ensureWorkflows(orders(['o-1', 'orders-1'])), ['o-1']);
    assert.deepEqual(started, []);
  });

  it('does not return an order as handled when an outage prevents the start of its workflow', async () => {
    const { workflows } = setUp({ unavailable: ['o-1'] });
    assert.deepEqual(await workflows.ensureWorkflows(orders(['o-1', null], ['o-2', null])), ['o-2']);
  });
});

describe('signalSettled', () => {
  it('hands the order over in memory, without a signal, when its workflow waits in this process', () => {
    const { workflows, signals } = setUp({ hasWaiter: true });
    workflows.signalSettled(order);
    assert.deepEqual(signals, []);
  });

  it('signals the assigned workflow when it does not wait in this process', () => {
    const { workflows, signals } = setUp();
    workflows.signalSettled(order);
    assert.deepEqual(signals, [['orders-1', outcome]]);
  });

  it('sends no signal for an order that has no assigned workflow or is pending', () => {
    const { workflows, signals } = setUp();
    workflows.signalSettled({ ...order, workflowId: null });
    workflows.signalSettled({ ...order, status: 'pending', version: 1 });
    assert.deepEqual(signals, []);
  });

  it('tolerates a failed signal, because the workflow checks by itself', async () => {
    const { workflows } = setUp({ signalFails: true });
    workflows.signalSettled(order);
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
