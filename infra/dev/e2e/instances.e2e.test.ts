import assert from 'node:assert/strict';
import { startTestService, type TestService } from '../testing/test-service.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

describe('an order, with two instances of the order API,', function () {
  this.timeout(120_000);
  let system: TestSystem;
  let other: TestService;

  before(async () => {
    // No check is due within this test, so a workflow completes only by a hand-over in memory, a database read or a
    // signal.
    system = await startSystem({ APP__CHECK_AFTER_MS: '600000', APP__ORDERS_PER_WORKFLOW: '1' });
    other = await startTestService('order-api', {
      APP__DB_DSN: system.ordersDb.dsn,
      APP__RABBITMQ_URL: system.vhost.url,
      TEMPORAL_ADDRESS: system.temporal.address,
      TEMPORAL_NAMESPACE: system.temporal.namespace,
      APP__ORDERS_PER_WORKFLOW: '1',
    });
  });

  after(async () => {
    assert.equal(await other.stop(), 0);
    await system.stop();
  });

  it('settles although the instance that does not run its workflow consumes its outcome', async () => {
    const orders = Array.from({ length: 20 }, () => anOrder());
    for (const order of orders) assert.equal((await system.post(order)).status, 201);
    for (const { order_id: orderId } of orders) {
      const { status, version } = await system.settled(orderId);
      const handle = system.temporal.client.workflow.getHandle(`order-${orderId}`);
      assert.deepEqual(await handle.result(), { status, version });
    }
    const applied = [system.orderApi, other].map(
      ({ logs }) => logs.filter((line) => line['msg'] === 'order.processed received').length,
    );
    assert.ok(
      applied.every((count) => count > 0),
      `both have consumed some: ${applied.join(' and ')}`,
    );
  });
});
