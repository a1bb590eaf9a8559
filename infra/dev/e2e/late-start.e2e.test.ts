import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Decimal } from 'decimal.js';
import { createOrderStore } from '../../../order-api/infrastructure/postgres/order-store.js';
import { createFirstEvents } from '../../../order-api/infrastructure/temporal/first-events.js';
import { createWorkflowStarter } from '../../../order-api/infrastructure/temporal/workflow-starter.js';
import { newOrder } from '../../../order-api/domain/order.js';
import { createOrderWorkflowClient } from '../../../workflows/client/order-workflow-client.js';
import { openTestSystem } from './live-test-system.js';
import { verify } from '../../operations/verify.js';
import { createFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import { eventually } from '../testing/eventually.js';
import { testLogger } from '../testing/test-logger.js';
import { anOrder, createSystemParts, TestSystem } from './system.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/**
 * An order API assigns orders to a workflow. Before its call starts that workflow, a reconciler finds the orders
 * without a running workflow and assigns them to another one. Then the first start arrives after all. This happens
 * under overload: the reconciler takes care of orders that wait long for their start.
 */
describe('a workflow that starts after its orders were assigned to another workflow,', function () {
  this.timeout(120_000);
  let system: TestSystem;
  let toRabbitmq: FaultProxy;

  before(async () => {
    const parts = await createSystemParts();
    toRabbitmq = await createFaultProxy(parts.vhost.url);
    system = new TestSystem(parts, {});
    await Promise.all([system.startOrderApi({ APP__RABBITMQ_URL: toRabbitmq.url }), system.startProcessor()]);
    await system.healthy();
  });

  after(async () => {
    await system.stop();
    await toRabbitmq.close();
  });

  /**
   * Places orders through an order API whose call that starts their workflow is in flight, and has another order API
   * reconcile them together with one more order. `arrive` lets the first call through.
   */
  async function startLate(
    count: number,
  ): Promise<{ orderIds: string[]; workflowId: string; arrive: () => Promise<void> }> {
    const store = createOrderStore(system.ordersDb.pool, 60_000);
    const client = createOrderWorkflowClient({ call: (_timeoutMs, request) => request(system.temporal.client) });
    const startCalls = new EventEmitter();
    const starter = createWorkflowStarter({
      client: {
        ...client,
        start: async (...start) => {
          const arriving = once(startCalls, 'arrive');
          startCalls.emit('sent');
          await arriving;
          return client.start(...start);
        },
      },
      store,
      maxOrdersPerWorkflow: 100,
      checkAfterMs: 3000,
      firstEvents: createFirstEvents(100),
      logger: testLogger,
    });
    const orderIds = Array.from({ length: count }, () => anOrder().order_id);
    const [first = '', other] = [orderIds[0], anOrder().order_id];
    const items = [{ sku: 'laptop', quantity: 1, price: new Decimal(1200) }];
    for (const orderId of [...orderIds, other]) {
      await store.place(newOrder({ orderId, customerId: 'c-1', items }), traceparent);
    }
    const sent = once(startCalls, 'sent');
    const starting = starter.startAll(orderIds.map((orderId) => ({ orderId, workflowId: null })));
    await sent;
    const workflowId = await workflowOf(first);
    await system.ordersDb.pool.query('update orders set check_at = now() where order_id = any($1)', [
      [...orderIds, other],
    ]);
    await eventually('they are assigned to another workflow', async () => {
      const current = await workflowOf(first);
      assert.ok(current !== workflowId && current.startsWith('orders-'), current);
    });
    const arrive = async (): Promise<void> => {
      startCalls.emit('arrive');
      await starting;
    };
    return { orderIds, workflowId, arrive };
  }

  async function workflowOf(orderId: string): Promise<string> {
    const { rows } = await system.ordersDb.pool.query<{ workflow_id: string }>(
      'select workflow_id from orders where order_id = $1',
      [orderId],
    );
    return String(rows[0]?.workflow_id);
  }

  /** Asserts that every order is settled and that both workflows have completed. */
  async function assertSettledAndCompleted(orderIds: readonly string[], workflowId: string): Promise<void> {
    const live = await openTestSystem(system);
    try {
      const results = await verify(live, { waitMs: 30_000, accepted: orderIds });
      assert.deepEqual(
        results.filter(({ violationCount }) => violationCount > 0),
        [],
      );
    } finally {
      await live.close();
    }
    const { status } = await system.temporal.client.workflow.getHandle(workflowId).describe();
    assert.equal(status.name, 'COMPLETED');
  }

  for (const [what, count] of [
    ['one order', 1],
    ['several orders', 3],
  ] as const) {
    it(`with ${what}, completes although it receives no outcome`, async () => {
      await system.processor.stop();
      const { orderIds, workflowId, arrive } = await startLate(count);
      await system.published(orderIds);
      await arrive();
      await system.startProcessor();
      await assertSettledAndCompleted(orderIds, workflowId);
    });

    it(`with ${what} already settled, completes`, async () => {
      const { orderIds, workflowId, arrive } = await startLate(count);
      for (const orderId of orderIds) await system.settled(orderId);
      await arrive();
      await assertSettledAndCompleted(orderIds, workflowId);
    });

    it(`with ${what}, completes beside the other workflow, whichever of them publishes`, async () => {
      toRabbitmq.down();
      const { orderIds, workflowId, arrive } = await startLate(count);
      await arrive();
      toRabbitmq.restore();
      await assertSettledAndCompleted(orderIds, workflowId);
    });
  }
});
