import assert from 'node:assert/strict';
import { eventually } from '../testing/eventually.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

describe('orders that share a workflow', function () {
  this.timeout(180_000);
  let system: TestSystem;

  before(async () => {
    system = await startSystem({ APP__SUCCESS_RATE: '1' });
  });

  after(() => system.stop());

  /** Places orders while no workflow can be started for them, so that the reconciler finds all of them together. */
  async function placeInBatch(count: number, env: Record<string, string> = {}): Promise<string[]> {
    await system.orderApi.stop();
    await system.startOrderApi({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const orders = Array.from({ length: count }, () => anOrder());
    for (let first = 0; first < count; first += 50) {
      const answers = await Promise.all(orders.slice(first, first + 50).map((order) => system.post(order)));
      assert.ok(answers.every(({ status }) => status === 201));
    }
    await system.orderApi.kill();
    // No workflow has been started yet, and the next order API must find all of the orders at once.
    await system.ordersDb.pool.query(
      `update orders set workflow_id = null, check_at = created_at where status = 'pending'`,
    );
    await system.startOrderApi(env);
    return orders.map((order) => order.order_id);
  }

  async function workflowIdsOf(orderIds: readonly string[]): Promise<string[]> {
    const { rows } = await system.ordersDb.pool.query<{ workflow_id: string }>(
      `select distinct workflow_id from orders where order_id = any($1)`,
      [orderIds],
    );
    return rows.map((row) => row.workflow_id);
  }

  /** Makes the processor's database refuse this order, as bad data or a bug would make it do. */
  async function refuse(orderId: string): Promise<() => Promise<unknown>> {
    await system.processorDb.pool.query(
      `create function refuse() returns trigger language plpgsql as
       $$ begin if new.order_id = '${orderId}' then raise exception 'this order is poison'; end if; return new; end $$;
       create trigger refuse before insert on processing_states for each row execute function refuse()`,
    );
    return () => system.processorDb.pool.query('drop function refuse cascade');
  }

  /** Replays the dead-lettered message of this order unchanged, as an operator does once the cause is repaired. */
  async function replay(orderId: string): Promise<void> {
    const [message, ...others] = await system.vhost.take('processor.order-created.dead-letter');
    assert.ok(message && others.length === 0);
    assert.equal(message.properties['correlation_id'], orderId);
    await system.vhost.request('POST', 'exchanges/amq.default/publish', {
      routing_key: 'processor.order-created',
      payload_encoding: 'string',
      ...message,
    });
  }

  /** Places 50 orders in one workflow. The first one's message is dead-lettered, and all others settle. */
  async function settleAllButPoison(env: Record<string, string> = {}) {
    await system.orderApi.stop();
    await system.processor.stop();
    await system.startOrderApi();
    const orderIds = await placeInBatch(50, env);
    const [poison = '', ...others] = orderIds;
    const unblock = await refuse(poison);
    await system.startProcessor();
    for (const orderId of others) assert.equal((await system.settled(orderId))['status'], 'done');
    const [groupId = '', ...more] = await workflowIdsOf(orderIds);
    assert.deepEqual(more, [], 'all 50 are in one workflow');
    await eventually('the poison is dead-lettered', async () => {
      assert.ok((await system.vhost.peek('processor.order-created.dead-letter')).length >= 1);
    });
    assert.equal((await system.get(poison)).body['status'], 'pending');
    return { poison, unblock, group: system.temporal.client.workflow.getHandle(groupId) };
  }

  it('settle although one of 50 is poison, which settles once its message is replayed', async () => {
    const { poison, unblock, group } = await settleAllButPoison({ APP__CHECK_AFTER_MS: '600000' });
    assert.equal((await group.describe()).status.name, 'RUNNING');
    await unblock();
    await replay(poison);
    assert.equal((await system.settled(poison))['status'], 'done');
    assert.deepEqual(await group.result(), { done: 50, failed: 0 });
  });

  it('settle although one of 50 is poison, which settles by itself once the cause is repaired', async () => {
    const { poison, unblock, group } = await settleAllButPoison({ APP__CHECK_AFTER_MS: '1000' });
    await unblock();
    assert.equal((await system.settled(poison, 60_000))['status'], 'done');
    assert.deepEqual(await group.result(), { done: 50, failed: 0 });
    await system.vhost.request('DELETE', 'queues/processor.order-created.dead-letter/contents');
  });

  it('are grouped oldest first when they were accepted while Temporal was unavailable', async () => {
    const orderIds = await placeInBatch(400);
    for (const orderId of orderIds) await system.settled(orderId);
    for (let first = 0; first < 400; first += 100) {
      assert.equal((await workflowIdsOf(orderIds.slice(first, first + 100))).length, 1, `from ${first} on`);
    }
  });

  it('are each found in Temporal by their order id, in the workflow that the order names', async () => {
    const orders = Array.from({ length: 100 }, () => anOrder());
    await Promise.all(orders.map((order) => system.post(order)));
    for (const { order_id: orderId } of orders) {
      const { workflow_id: workflowId } = await system.settled(orderId);
      await eventually('it is listed', async () => {
        const ids = [];
        for await (const { workflowId: id } of system.temporal.client.workflow.list({
          query: `OrderId="${orderId}"`,
        })) {
          ids.push(id);
        }
        assert.deepEqual(ids, [workflowId]);
      });
    }
    assert.ok((await workflowIdsOf(orders.map((order) => order.order_id))).length < 100, 'some share one');
  });

  it('leave no open workflow and no unpublished event behind', async () => {
    await eventually(
      'nothing is open',
      async () => {
        const { count } = await system.temporal.client.workflow.count('ExecutionStatus="Running"');
        assert.equal(count, 0);
        for (const { pool } of [system.ordersDb, system.processorDb]) {
          const { rowCount } = await pool.query('select from outbox where published_at is null');
          assert.equal(rowCount, 0);
        }
      },
      90_000,
    );
  });
});
