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

/** What Temporal says of each workflow: the orders it carries, or why it cannot say. */
type Known = Record<string, readonly string[] | Error>;

function setUp({ known = {}, waits = false, unavailable = [] as string[], signalFails = false } = {}) {
  const started: string[] = [];
  const signals: unknown[] = [];
  const client: Partial<OrderWorkflowClient> = {
    ordersOf: async (workflowId) => {
      const carried = (known as Known)[workflowId] ?? [];
      if (carried instanceof Error) throw carried;
      return new Set(carried);
    },
    signalSettled: async (workflowId, told) => {
      if (signalFails) throw new TemporalUnavailable('unavailable');
      signals.push([workflowId, told]);
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
    waiters: { wait: async () => [], handOver: () => waits },
    logger: testLogger,
  });
  return { workflows, started, signals };
}

const orders = (...pairs: [string, string | null][]) => pairs.map(([orderId, workflowId]) => ({ orderId, workflowId }));

describe('order workflows, making sure that pending orders have one', () => {
  it('start one for orders that were never given any, and for those whose workflow does not carry them', async () => {
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

  it('hold up no order for one whose workflow cannot be looked for, and name it as not handled', async () => {
    const { workflows, started } = setUp({ known: { 'orders-1': new TemporalUnavailable('unavailable') } });
    assert.deepEqual(await workflows.ensureWorkflows(orders(['o-1', 'orders-1'], ['o-2', null])), ['o-2']);
    assert.deepEqual(started, ['o-2']);
  });

  it('count an order as handled about which Temporal will never say anything else', async () => {
    const { workflows, started } = setUp({ known: { 'orders-1': new Error('refused') } });
    assert.deepEqual(await workflows.ensureWorkflows(orders(['o-1', 'orders-1'])), ['o-1']);
    assert.deepEqual(started, []);
  });

  it('name the orders whose workflow could not be started for now as not handled', async () => {
    const { workflows } = setUp({ unavailable: ['o-1'] });
    assert.deepEqual(await workflows.ensureWorkflows(orders(['o-1', null], ['o-2', null])), ['o-2']);
  });
});

describe('order workflows, telling that an order is settled', () => {
  it('hand it over in this process when its workflow waits here, and signal nobody', () => {
    const { workflows, signals } = setUp({ waits: true });
    workflows.signalSettled(order);
    assert.deepEqual(signals, []);
  });

  it('signal the workflow that it was given otherwise', () => {
    const { workflows, signals } = setUp();
    workflows.signalSettled(order);
    assert.deepEqual(signals, [['orders-1', outcome]]);
  });

  it('signal nobody for an order that was never given a workflow, or is pending', () => {
    const { workflows, signals } = setUp();
    workflows.signalSettled({ ...order, workflowId: null });
    workflows.signalSettled({ ...order, status: 'pending', version: 1 });
    assert.deepEqual(signals, []);
  });

  it('forget a signal that fails: the workflow looks for itself', async () => {
    const { workflows } = setUp({ signalFails: true });
    workflows.signalSettled(order);
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
