import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Decimal } from 'decimal.js';
import { createOrderStore } from '../../order-api/infrastructure/postgres/order-store.js';
import { createWorkflowStarter } from '../../order-api/infrastructure/temporal/workflow-starter.js';
import { newOrder } from '../../order-api/domain/order.js';
import { createLifecycleClient } from '../../workflows/client.js';
import { workflowIdOf } from '../../workflows/messages.js';
import { openTestSystem } from '../operations/live-test-system.js';
import { verify } from '../operations/verify.js';
import { createBreakableLink, type BreakableLink } from '../testing/breakable-link.js';
import { eventually } from '../testing/eventually.js';
import { silentLogger } from '../testing/silent-logger.js';
import { anOrder, createSystemParts, TestSystem } from './system.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/**
 * An order API assigns an order to a workflow, and before its call has started that, a reconciler finds the order without
 * one and gives it to another. Then the first start arrives after all.
 */
describe('a start that arrives when its order is carried elsewhere', function () {
  this.timeout(120_000);
  let system: TestSystem;
  let toRabbitmq: BreakableLink;

  before(async () => {
    const parts = await createSystemParts();
    toRabbitmq = await createBreakableLink(parts.vhost.url);
    system = new TestSystem(parts, { APP__RECONCILE_GRACE_MS: '60000', APP__OVERDUE_AFTER_MS: '60000' });
    await Promise.all([system.startOrderApi({ APP__RABBITMQ_URL: toRabbitmq.url }), system.startProcessor()]);
    await system.healthy();
  });

  after(async () => {
    await system.stop();
    await toRabbitmq.close();
  });

  /** Places two orders through an order API whose start of the first is on its way, and has the other reconcile both. */
  async function startLate(): Promise<{ orderId: string; arrive: () => Promise<void> }> {
    const store = createOrderStore(system.ordersDb.pool, { graceMs: 60_000, overdueAfterMs: 60_000 });
    const client = createLifecycleClient({ call: (_timeoutMs, request) => request(system.temporal.client) });
    const underWay = new EventEmitter();
    const starter = createWorkflowStarter({
      client: {
        ...client,
        ensureStarted: async (...start) => {
          const arriving = once(underWay, 'arrive');
          underWay.emit('sent');
          await arriving;
          await client.ensureStarted(...start);
        },
      },
      store,
      grouping: { size: 100, stragglerAfterMs: 60_000 },
      logger: silentLogger,
    });
    const [late, other] = [anOrder().order_id, anOrder().order_id];
    const items = [{ sku: 'laptop', quantity: 1, price: new Decimal(1200) }];
    for (const orderId of [late, other]) {
      await store.place(newOrder({ orderId, customerId: 'c-1', items }), traceparent);
    }
    const sent = once(underWay, 'sent');
    starter.startSoon(late);
    await sent;
    await system.ordersDb.pool.query('update orders set check_at = now() where order_id = any($1)', [[late, other]]);
    await eventually('the order is carried by another workflow', async () =>
      assert.match(await workflowOf(late), /^orders-/),
    );
    const arrive = async (): Promise<void> => {
      underWay.emit('arrive');
      await starter.stop();
    };
    return { orderId: late, arrive };
  }

  async function workflowOf(orderId: string): Promise<string> {
    const { rows } = await system.ordersDb.pool.query<{ workflow_id: string }>(
      'select workflow_id from orders where order_id = $1',
      [orderId],
    );
    return String(rows[0]?.workflow_id);
  }

  async function published(orderId: string): Promise<void> {
    await eventually('its event is published', async () => {
      const { rowCount } = await system.ordersDb.pool.query(
        'select from outbox where aggregate_id = $1 and published_at is not null',
        [orderId],
      );
      assert.equal(rowCount, 1);
    });
  }

  /** How the workflow that was started late has ended. */
  async function endOf(orderId: string): Promise<string> {
    return eventually('the late workflow has ended', async () => {
      const { status } = await system.temporal.client.workflow.getHandle(workflowIdOf(orderId)).describe();
      assert.notEqual(status.name, 'RUNNING');
      return status.name;
    });
  }

  async function assertAllIsWell(orderId: string): Promise<void> {
    await system.settled(orderId);
    const live = await openTestSystem(system);
    try {
      const verdicts = await verify(live, { waitMs: 30_000, accepted: [orderId] });
      assert.deepEqual(
        verdicts.filter(({ faults }) => faults > 0),
        [],
      );
    } finally {
      await live.close();
    }
  }

  it('leaves a workflow that ends at once, while the other waits for the outcome', async () => {
    await system.processor.stop();
    const { orderId, arrive } = await startLate();
    await published(orderId);
    await arrive();
    assert.equal(await endOf(orderId), 'FAILED', 'so that it could be started again');
    await system.startProcessor();
    await assertAllIsWell(orderId);
  });

  it('leaves a workflow that ends at once, when the order is settled', async () => {
    const { orderId, arrive } = await startLate();
    await system.settled(orderId);
    await arrive();
    assert.equal(await endOf(orderId), 'COMPLETED');
    await assertAllIsWell(orderId);
  });

  it('leaves two workflows, whichever publishes, and both end', async () => {
    toRabbitmq.breakDown();
    const { orderId, arrive } = await startLate();
    await arrive();
    toRabbitmq.mend();
    await assertAllIsWell(orderId);
    await endOf(orderId);
  });
});
