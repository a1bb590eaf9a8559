import assert from 'node:assert/strict';
import { eventually } from '../testing/eventually.js';
import { testServers, type StoppableServer } from '../testing/test-servers.js';
import { modes } from './both-modes.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

type Order = ReturnType<typeof anOrder>;

/** Asserts that the order settled once, with one effect in each service, and that no event is left to publish. */
async function assertSettledOnce(system: TestSystem, order: Order, wasClosed = false): Promise<void> {
  const orderId = order.order_id;
  const settled = await system.settled(orderId, 60_000);
  assert.equal(settled['version'], 2);
  await eventually(
    `${orderId} has left nothing open`,
    async () => {
      for (const { pool } of [system.ordersDb, system.processorDb]) {
        const { rows } = await pool.query<{ inbox: string; unpublished: string }>(
          `select (select count(*) from inbox where aggregate_id = $1) as inbox,
                (select count(*) from outbox where aggregate_id = $1 and published_at is null) as unpublished`,
          [orderId],
        );
        assert.deepEqual(rows, [{ inbox: '1', unpublished: '0' }]);
      }
      const workflow = await workflowOf(system, order).describe();
      // If the test closed the workflow after the order had settled, the order gets no other workflow.
      if (wasClosed) assert.notEqual(workflow.status.name, 'RUNNING');
      else assert.equal(workflow.status.name, 'COMPLETED');
    },
    60_000,
  );
}

const workflowOf = ({ temporal }: TestSystem, order: Order) =>
  temporal.client.workflow.getHandle(`order-${order.order_id}`);

/** Places an order whose message waits in its queue, because no processor runs. */
async function placeUnprocessed(system: TestSystem, order: Order): Promise<void> {
  await system.processor.stop();
  await system.post(order);
  await system.published([order.order_id]);
}

/** Places an order whose outcome waits in its queue, because no order API runs. */
async function decideUnapplied(system: TestSystem, order: Order): Promise<void> {
  await placeUnprocessed(system, order);
  await system.orderApi.kill();
  await system.startProcessor();
  await eventually('the outcome waits in its queue', async () =>
    assert.equal((await system.vhost.peek('order-api.order-processed')).length, 1),
  );
}

/** Waits until the health check reports that a server is unavailable without which orders can still be accepted. */
function expectDegraded(system: TestSystem): Promise<void> {
  return eventually('the order API is degraded', async () => {
    const { status, body } = await system.request('GET', '/health');
    assert.deepEqual([status, body['status']], [200, 'degraded']);
  });
}

/** Skips the test when the server was given by the environment, because tests may not stop such a server. */
function requireOwnServer(context: Mocha.Context, server: StoppableServer | undefined): StoppableServer {
  if (!server) context.skip();
  return server;
}

describe('an order, in default and in strict mode, survives', function () {
  this.timeout(180_000);
  let systems: readonly TestSystem[];
  let orders: readonly Order[];

  /** Acts on the test's order in each of the two systems. A server's outage affects both. */
  const inBoth = (act: (system: TestSystem, order: Order) => Promise<unknown>) =>
    Promise.all(systems.map((system, index) => act(system, orders[index] ?? assert.fail('an order for each'))));

  const settlesOnceInBoth = () => inBoth((system, order) => assertSettledOnce(system, order));

  before(async () => {
    systems = await Promise.all(Object.values(modes).map((mode) => startSystem(mode)));
  });

  beforeEach(() => {
    orders = systems.map(() => anOrder());
  });

  after(() => Promise.all(systems.map((system) => system.stop())));

  it('Temporal being down when it is placed', async function () {
    const server = requireOwnServer(this, testServers().temporal.server);
    await server.stop();
    try {
      await inBoth(async (system, order) => {
        const startedAt = Date.now();
        assert.equal((await system.post(order)).status, 201);
        assert.ok(Date.now() - startedAt < 3000, 'a POST does not wait for Temporal');
        await expectDegraded(system);
      });
    } finally {
      await server.start();
    }
    await settlesOnceInBoth();
  });

  it('Temporal being down while its messages are in flight, without a dead-lettered message', async function () {
    const server = requireOwnServer(this, testServers().temporal.server);
    await inBoth(placeUnprocessed);
    await server.kill();
    try {
      await inBoth(async (system, order) => {
        await system.startProcessor();
        assert.equal((await system.settled(order.order_id))['version'], 2);
      });
    } finally {
      await server.start();
    }
    await settlesOnceInBoth();
    await inBoth(async ({ vhost }) => assert.deepEqual(await vhost.peek('processor.order-created.dead-letter'), []));
  });

  it('RabbitMQ being down when it is placed', async function () {
    const server = requireOwnServer(this, testServers().rabbitmq.server);
    await server.stop();
    try {
      await inBoth(async (system, order) => {
        assert.equal((await system.post(order)).status, 201);
        await eventually('the failed attempts are on the row', async () => {
          const { rows } = await system.ordersDb.pool.query<{ attempts: number; last_error: string }>(
            'select attempts, last_error from outbox where aggregate_id = $1',
            [order.order_id],
          );
          assert.ok((rows[0]?.attempts ?? 0) >= 2);
          assert.match(rows[0]?.last_error ?? '', /RabbitMQ/);
        });
        await expectDegraded(system);
      });
    } finally {
      await server.start();
    }
    await settlesOnceInBoth();
    await inBoth((system) => system.healthy());
  });

  it('the order API being killed between its commit and the start of its workflow', () =>
    inBoth(async (system, order) => {
      await system.orderApi.stop();
      // Nothing listens at this address of Temporal, so the process is killed before it could start a workflow.
      await system.startOrderApi({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
      assert.equal((await system.post(order)).status, 201);
      await system.orderApi.kill();
      await assert.rejects(workflowOf(system, order).describe());
      await system.startOrderApi();
      await assertSettledOnce(system, order);
    }));

  it('the processor being killed while it handles its message', () =>
    inBoth(async (system, order) => {
      await system.processor.stop();
      await system.startProcessor({ APP__PROCESSING_DELAY_MS: '60000' });
      await system.post(order);
      await eventually('the processor holds the message', async () => {
        const queue = (await system.vhost.request('GET', 'queues/processor.order-created')) as Record<string, unknown>;
        assert.equal(queue['messages_unacknowledged'], 1);
      });
      await system.processor.kill();
      await system.startProcessor();
      await assertSettledOnce(system, order);
    }));

  it('its workflow being terminated before the outcome is known', () =>
    inBoth(async (system, order) => {
      await system.processor.stop();
      await system.post(order);
      const handle = workflowOf(system, order);
      await eventually('it waits for the outcome', async () =>
        assert.equal(await handle.query('stage'), 'awaitingOutcome'),
      );
      await handle.terminate('for the test');
      await system.startProcessor();
      await assertSettledOnce(system, order, true);
    }));

  it('its queues being deleted while no processor runs', () =>
    inBoth(async (system, order) => {
      await system.processor.stop();
      for (const queue of ['processor.order-created', 'order-api.order-processed']) {
        await system.vhost.request('DELETE', `queues/${queue}`);
      }
      await system.post(order);
      await system.startProcessor();
      await assertSettledOnce(system, order);
    }));

  describe('its message being lost after it was confirmed', () => {
    it('with the queue that held it', () =>
      inBoth(async (system, order) => {
        await placeUnprocessed(system, order);
        await system.vhost.request('DELETE', 'queues/processor.order-created');
        await system.startProcessor();
        await assertSettledOnce(system, order);
      }));

    it('with the queue that held it, although a foreign message is dead-lettered there', () =>
      inBoth(async (system, order) => {
        await placeUnprocessed(system, order);
        await system.vhost.request('DELETE', 'queues/processor.order-created');
        await system.startProcessor();
        await system.vhost.request('POST', 'exchanges/amq.default/publish', {
          routing_key: 'processor.order-created.dead-letter',
          payload_encoding: 'string',
          payload: 'this message waits for an operator',
          properties: { delivery_mode: 2 },
        });
        await assertSettledOnce(system, order);
        await system.vhost.request('DELETE', 'queues/processor.order-created.dead-letter/contents');
      }));

    it('on its way back to the order API', () =>
      inBoth(async (system, order) => {
        await decideUnapplied(system, order);
        await system.vhost.request('DELETE', 'queues/order-api.order-processed/contents');
        await system.startOrderApi();
        await assertSettledOnce(system, order);
      }));
  });

  describe('its outbox rows', () => {
    const unpublish = `update outbox set published_at = null, check_at = now() where aggregate_id = $1`;

    it('becoming unpublished again after it has settled', () =>
      inBoth(async (system, order) => {
        await system.post(order);
        await assertSettledOnce(system, order);
        for (const { pool } of [system.ordersDb, system.processorDb]) await pool.query(unpublish, [order.order_id]);
        await assertSettledOnce(system, order);
        const query = `OrderId="${order.order_id}"`;
        assert.equal((await system.temporal.client.workflow.count(query)).count, 1, 'no second run was started for it');
      }));
  });

  for (const [end, close] of Object.entries({
    terminated: (handle: ReturnType<typeof workflowOf>) => handle.terminate('for the test'),
    cancelled: (handle: ReturnType<typeof workflowOf>) => handle.cancel(),
  })) {
    it(`its workflow being ${end} while it awaits settlement`, () =>
      inBoth(async (system, order) => {
        await decideUnapplied(system, order);
        await close(workflowOf(system, order));
        await system.startOrderApi();
        await assertSettledOnce(system, order, true);
      }));
  }

  it('Postgres being down: it gets 503 and Retry-After within 3 s, and is accepted later', async function () {
    const server = requireOwnServer(this, testServers().ordersDb.server);
    await server.kill();
    try {
      await inBoth(async (system, order) => {
        const startedAt = Date.now();
        const refused = await system.post(order);
        assert.ok(Date.now() - startedAt < 3000);
        assert.equal(refused.status, 503);
        assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
        assert.equal(refused.headers.get('content-type'), 'application/problem+json');
        const health = await system.request('GET', '/health');
        assert.deepEqual([health.status, health.body['status']], [503, 'unavailable']);
        assert.equal((await system.request('GET', '/health/live')).status, 200);
      });
    } finally {
      await server.start();
    }
    await inBoth(async (system, order) => {
      await eventually('it is accepted', async () =>
        assert.match(String((await system.post(order)).status), /^20[01]$/),
      );
      await assertSettledOnce(system, order);
    });
  });
});
