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
 * An order API assigns orders to a workflow, and before its call has started that, a reconciler finds them without one and
 * gives them to another. Then the first start arrives after all. An overload brings it about: who waits long to be started
 * is looked after meanwhile.
 */
describe('a start that arrives when its order is carried elsewhere', function () {
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
   * Places orders through an order API whose start of their workflow is on its way, and has the other reconcile them
   * together with one more.
   */
  async function startLate(
    count: number,
  ): Promise<{ orderIds: string[]; workflowId: string; arrive: () => Promise<void> }> {
    const store = createOrderStore(system.ordersDb.pool, 60_000);
    const client = createOrderWorkflowClient({ call: (_timeoutMs, request) => request(system.temporal.client) });
    const underWay = new EventEmitter();
    const starter = createWorkflowStarter({
      client: {
        ...client,
        start: async (...start) => {
          const arriving = once(underWay, 'arrive');
          underWay.emit('sent');
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
    const sent = once(underWay, 'sent');
    const starting = starter.startAll(orderIds.map((orderId) => ({ orderId, workflowId: null })));
    await sent;
    const workflowId = await workflowOf(first);
    await system.ordersDb.pool.query('update orders set check_at = now() where order_id = any($1)', [
      [...orderIds, other],
    ]);
    await eventually('they are carried by another workflow', async () => {
      const other = await workflowOf(first);
      assert.ok(other !== workflowId && other.startsWith('orders-'), other);
    });
    const arrive = async (): Promise<void> => {
      underWay.emit('arrive');
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

  /** Every order has ended, and with them both workflows. */
  async function assertAllHasEnded(orderIds: readonly string[], workflowId: string): Promise<void> {
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
    it(`leaves a workflow of ${what} that nobody tells of an outcome, and it ends with them`, async () => {
      await system.processor.stop();
      const { orderIds, workflowId, arrive } = await startLate(count);
      await system.published(orderIds);
      await arrive();
      await system.startProcessor();
      await assertAllHasEnded(orderIds, workflowId);
    });

    it(`leaves a workflow of ${what} that ends at once, when they are settled`, async () => {
      const { orderIds, workflowId, arrive } = await startLate(count);
      for (const orderId of orderIds) await system.settled(orderId);
      await arrive();
      await assertAllHasEnded(orderIds, workflowId);
    });

    it(`leaves two workflows of ${what}, whichever publishes what, and both end`, async () => {
      toRabbitmq.down();
      const { orderIds, workflowId, arrive } = await startLate(count);
      await arrive();
      toRabbitmq.restore();
      await assertAllHasEnded(orderIds, workflowId);
    });
  }
});
