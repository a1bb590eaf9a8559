import assert from 'node:assert/strict';
import { eventually } from '../testing/eventually.js';
import { testServers, type StoppableServer } from '../testing/test-servers.js';
import { inBothModes } from './both-modes.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

/** The order is settled once, with one effect on either side, and nothing is left to publish or to tell. */
async function assertSettledOnce(system: TestSystem, orderId: string): Promise<void> {
  const settled = await system.settled(orderId, 60_000);
  assert.equal(settled['version'], 2);
  await eventually(
    `${orderId} has left nothing open`,
    async () => {
      for (const { pool } of [system.ordersDb, system.processorDb]) {
        const { rows } = await pool.query<{ inbox: string; unpublished: string; owed: string }>(
          `select (select count(*) from inbox where aggregate_id = $1) as inbox,
                (select count(*) from outbox where aggregate_id = $1 and published_at is null) as unpublished,
                (select count(*) from inbox where aggregate_id = $1 and signal_due_at is not null) as owed`,
          [orderId],
        );
        assert.deepEqual(rows, [{ inbox: '1', unpublished: '0', owed: '0' }]);
      }
      const workflow = await system.temporal.client.workflow.getHandle(`order-${orderId}`).describe();
      assert.equal(workflow.status.name, 'COMPLETED');
    },
    60_000,
  );
}

inBothModes('an order survives', (mode) => {
  let system: TestSystem;

  before(async () => {
    system = await startSystem(mode);
  });

  after(() => system.stop());

  /** Servers given by the environment are not ours to take away. */
  function ours(context: Mocha.Context, server: StoppableServer | undefined): StoppableServer {
    if (!server) context.skip();
    return server;
  }

  it('Temporal being down when it is placed', async function () {
    const server = ours(this, testServers().temporal.server);
    await server.stop();
    const order = anOrder();
    try {
      const startedAt = Date.now();
      assert.equal((await system.post(order)).status, 201);
      assert.ok(Date.now() - startedAt < 3000, 'a POST does not wait for Temporal');
      await eventually('the service says so', async () => {
        const { status, body } = await system.request('GET', '/health');
        assert.deepEqual([status, body['status']], [200, 'degraded']);
      });
    } finally {
      await server.start();
    }
    await assertSettledOnce(system, order.order_id);
  });

  it('Temporal being down while its messages are under way, and none is parked for it', async function () {
    const server = ours(this, testServers().temporal.server);
    await system.processor.stop();
    const order = anOrder();
    await system.post(order);
    await eventually('order.created is in the queue', async () => {
      const { rowCount } = await system.ordersDb.pool.query(
        'select from outbox where aggregate_id = $1 and published_at is not null',
        [order.order_id],
      );
      assert.equal(rowCount, 1);
    });
    await server.kill();
    try {
      await system.startProcessor();
      await eventually('the processor has decided, and owes the signal', async () => {
        const { rowCount } = await system.processorDb.pool.query(
          'select from inbox where aggregate_id = $1 and signal_due_at is not null',
          [order.order_id],
        );
        assert.equal(rowCount, 1);
      });
      // Were it not acknowledged, it would be back in the queue once its consumer is gone.
      await system.processor.stop();
      assert.deepEqual(await system.vhost.peek('processor.order-created'), []);
      await system.startProcessor();
    } finally {
      await server.start();
    }
    await assertSettledOnce(system, order.order_id);
    assert.deepEqual(await system.vhost.peek('processor.order-created.dead-letter'), []);
  });

  it('RabbitMQ being down when it is placed', async function () {
    const server = ours(this, testServers().rabbitmq.server);
    await server.stop();
    const order = anOrder();
    try {
      assert.equal((await system.post(order)).status, 201);
      await eventually('the failed attempts are on the row', async () => {
        const { rows } = await system.ordersDb.pool.query<{ attempts: number; last_error: string }>(
          'select attempts, last_error from outbox where aggregate_id = $1',
          [order.order_id],
        );
        assert.ok((rows[0]?.attempts ?? 0) >= 2);
        assert.match(rows[0]?.last_error ?? '', /RabbitMQ/);
      });
      await eventually('the service says so', async () => {
        const { status, body } = await system.request('GET', '/health');
        assert.deepEqual([status, body['status']], [200, 'degraded']);
      });
    } finally {
      await server.start();
    }
    await assertSettledOnce(system, order.order_id);
    await system.healthy();
  });

  it('the order API being killed between its commit and the start of its workflow', async () => {
    await system.orderApi.stop();
    // Temporal is where nobody listens, so that the start cannot have happened when the process is killed.
    await system.startOrderApi({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const order = anOrder();
    assert.equal((await system.post(order)).status, 201);
    await system.orderApi.kill();
    await assert.rejects(system.temporal.client.workflow.getHandle(`order-${order.order_id}`).describe());
    await system.startOrderApi();
    await assertSettledOnce(system, order.order_id);
  });

  it('the processor being killed while it works on it', async () => {
    await system.processor.stop();
    await system.startProcessor({ APP__PROCESSING_DELAY_MS: '60000' });
    const order = anOrder();
    await system.post(order);
    await eventually('the processor holds the message', async () => {
      const queue = (await system.vhost.request('GET', 'queues/processor.order-created')) as Record<string, unknown>;
      assert.equal(queue['messages_unacknowledged'], 1);
    });
    await system.processor.kill();
    await system.startProcessor();
    await assertSettledOnce(system, order.order_id);
  });

  it('its workflow being terminated before the outcome is known', async () => {
    await system.processor.stop();
    const order = anOrder();
    await system.post(order);
    const handle = system.temporal.client.workflow.getHandle(`order-${order.order_id}`);
    await eventually('it waits for the outcome', async () =>
      assert.equal(await handle.query('stage'), 'awaitingOutcome'),
    );
    await handle.terminate('for the test');
    await system.startProcessor();
    await assertSettledOnce(system, order.order_id);
  });

  it('its queues being deleted while nobody consumes', async () => {
    await system.processor.stop();
    for (const queue of ['processor.order-created', 'order-api.order-processed']) {
      await system.vhost.request('DELETE', `queues/${queue}`);
    }
    const order = anOrder();
    await system.post(order);
    await system.startProcessor();
    await assertSettledOnce(system, order.order_id);
  });

  describe('its message being lost after it was confirmed', () => {
    before(async () => {
      await system.orderApi.stop();
      await system.startOrderApi({ APP__OVERDUE_AFTER_MS: '1000' });
    });
    after(async () => {
      await system.orderApi.stop();
      await system.startOrderApi();
    });

    const isPublished = (orderId: string) =>
      eventually('order.created is published', async () => {
        const { rowCount } = await system.ordersDb.pool.query(
          'select from outbox where aggregate_id = $1 and published_at is not null',
          [orderId],
        );
        assert.equal(rowCount, 1);
      });

    /** It has looked already, and found the message on its way; half a minute need not be waited for. */
    const theReconcilerLooksAgain = (orderId: string) =>
      system.ordersDb.pool.query('update orders set check_at = now() where order_id = $1', [orderId]);

    it('with the queue it waited in', async () => {
      await system.processor.stop();
      const order = anOrder();
      await system.post(order);
      await isPublished(order.order_id);
      await system.vhost.request('DELETE', 'queues/processor.order-created');
      await system.startProcessor();
      await theReconcilerLooksAgain(order.order_id);
      await assertSettledOnce(system, order.order_id);
    });

    it('as an answer', async () => {
      await system.processor.stop();
      const order = anOrder();
      await system.post(order);
      await isPublished(order.order_id);
      // Its workflow makes no step while the order API is away, so the answer waits in the processor's outbox.
      await system.orderApi.kill();
      await system.startProcessor();
      await eventually('the processor has answered, and the answer is lost', async () => {
        const { rowCount } = await system.processorDb.pool.query(
          'update outbox set published_at = now() where aggregate_id = $1',
          [order.order_id],
        );
        assert.equal(rowCount, 1);
      });
      await system.startOrderApi({ APP__OVERDUE_AFTER_MS: '1000' });
      await eventually('its workflow waits for the settlement', async () => {
        const stage = await system.temporal.client.workflow.getHandle(`order-${order.order_id}`).query('stage');
        assert.equal(stage, 'awaitingSettlement');
      });
      await theReconcilerLooksAgain(order.order_id);
      await assertSettledOnce(system, order.order_id);
    });
  });

  it('Postgres being away: it is refused within 3 s, with Retry-After, and taken when Postgres is back', async function () {
    const server = ours(this, testServers().ordersDb.server);
    await server.kill();
    const order = anOrder();
    try {
      const startedAt = Date.now();
      const refused = await system.post(order);
      assert.ok(Date.now() - startedAt < 3000);
      assert.equal(refused.status, 503);
      assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
      assert.equal(refused.headers.get('content-type'), 'application/problem+json');
      const health = await system.request('GET', '/health');
      assert.deepEqual([health.status, health.body['status']], [503, 'unavailable']);
      assert.equal((await system.request('GET', '/health/live')).status, 200);
    } finally {
      await server.start();
    }
    await eventually('it is taken', async () => assert.match(String((await system.post(order)).status), /^20[01]$/));
    await assertSettledOnce(system, order.order_id);
  });
});
