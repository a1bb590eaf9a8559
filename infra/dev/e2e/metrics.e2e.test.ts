import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '../testing/eventually.js';
import { taskQueues } from '../../../workflows/contract/messages.js';
import { publishedEvent } from '../testing/published-event.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

describe('metrics', function () {
  this.timeout(120_000);
  let system: TestSystem;
  before(async () => (system = await startSystem({ APP__SUCCESS_RATE: '1' })));
  after(() => system.stop());

  /** Returns the samples by name and labels, in Prometheus's notation, with the labels sorted and without `service`. */
  async function scrape(service: 'orderApi' | 'processor'): Promise<Map<string, number>> {
    const response = await fetch(`${system[service].url}/metrics`, { signal: AbortSignal.timeout(5000) });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        const own = labels.split(',').filter((label) => label !== '' && !label.startsWith('service='));
        return [own.length > 0 ? `${name}{${own.sort().join(',')}}` : name, Number(value)];
      }),
    );
  }

  it('count settled orders, their settle times, and deliveries', async () => {
    const orders = [anOrder(), anOrder(), anOrder()];
    for (const order of orders) assert.equal((await system.post(order)).status, 201);
    for (const order of orders) await system.settled(order.order_id);
    const handled = 'deliveries_total{outcome="acked",queue="order-api.order-processed"}';
    await eventually('the outcomes are acknowledged', async () =>
      assert.equal((await scrape('orderApi')).get(handled), 3),
    );
    const ours = await scrape('orderApi');
    assert.equal(ours.get('orders_settled_total{status="done"}'), 3);
    assert.equal(ours.get('order_settle_seconds_count'), 3);
    assert.ok((ours.get('order_settle_seconds_sum') ?? 0) > 0);
    await eventually('the gauge is read again', async () =>
      assert.equal((await scrape('orderApi')).get('orders_pending'), 0),
    );
    const theirs = await scrape('processor');
    assert.equal(theirs.get('deliveries_total{outcome="acked",queue="processor.order-created"}'), 3);
    assert.ok((theirs.get('process_resident_memory_bytes') ?? 0) > 0);
  });

  it('show how many events are unpublished, and for how long', async () => {
    await system.ordersDb.pool.query(
      `insert into outbox (id, aggregate_id, type, payload, headers, check_at, created_at)
       values (gen_random_uuid(), 'nobody', 'x', '{}', '{}', now() + interval '1 hour', now() - interval '90 s')`,
    );
    await eventually('the gauges are read again', async () => {
      const [ours, theirs] = [await scrape('orderApi'), await scrape('processor')];
      assert.equal(ours.get('outbox_unpublished'), 1);
      const age = ours.get('outbox_oldest_unpublished_seconds') ?? 0;
      assert.ok(age >= 90 && age < 150, String(age));
      assert.deepEqual([theirs.get('outbox_unpublished'), theirs.get('outbox_oldest_unpublished_seconds')], [0, 0]);
    });
    await system.ordersDb.pool.query(`delete from outbox where aggregate_id = 'nobody'`);
  });

  it('show messages that were dead-lettered after their retries', async () => {
    const message = {
      properties: { message_id: randomUUID() },
      routing_key: 'order.created',
      payload: 'x',
      payload_encoding: 'string',
    };
    await system.vhost.request('POST', 'exchanges/orders/publish', message);
    await eventually('it is dead-lettered', async () => {
      const theirs = await scrape('processor');
      assert.equal(theirs.get('dead_letters{queue="processor.order-created.dead-letter"}'), 1);
      assert.equal(theirs.get('deliveries_total{outcome="dead_lettered",queue="processor.order-created"}'), 1);
      assert.equal(theirs.get('delivery_retries_total{queue="processor.order-created",reason="failure"}'), 3);
    });
    assert.equal((await scrape('orderApi')).get('queue_messages{queue="processor.order-created"}'), 0);
  });

  it('count repeated events', async () => {
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    const { id, body: payload } = await publishedEvent(system.ordersDb.pool, order.order_id);
    await system.vhost.request('POST', 'exchanges/orders/publish', {
      properties: { message_id: id },
      routing_key: 'order.created',
      payload,
      payload_encoding: 'string',
    });
    await eventually('it is counted', async () =>
      assert.equal((await scrape('processor')).get('repeated_events_total{type="order.created"}'), 1),
    );
  });

  it('count failed workflow tasks, starting at 0', async () => {
    const { client } = system.temporal;
    assert.equal((await scrape('orderApi')).get('workflow_task_failures_total'), 0);
    const handle = await client.workflow.start('unknownToTheWorker', {
      ...{ taskQueue: taskQueues.orderApi, workflowId: `unknown-${randomUUID()}` },
    });
    await eventually('its failed task is counted', async () =>
      assert.ok(((await scrape('orderApi')).get('workflow_task_failures_total') ?? 0) >= 1),
    );
    await handle.terminate();
  });

  it('that cannot be read are missing, while the others are present', async () => {
    await system.ordersDb.pool.query('alter table outbox rename to outbox_renamed');
    try {
      await eventually('the gauges are read again', async () => {
        const ours = await scrape('orderApi');
        const names = ['outbox_unpublished', 'outbox_oldest_unpublished_seconds', 'orders_pending'];
        assert.deepEqual(
          names.map((name) => ours.has(name)),
          [false, false, true],
        );
      });
    } finally {
      await system.ordersDb.pool.query('alter table outbox_renamed rename to outbox');
    }
    assert.equal((await scrape('orderApi')).get('outbox_unpublished'), 0);
  });
});
