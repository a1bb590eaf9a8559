import assert from 'node:assert/strict';
import type { TestDatabase } from '../testing/test-database.js';
import { eventually } from '../testing/eventually.js';
import { inBothModes, modes } from './both-modes.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

async function countOf(database: TestDatabase, statement: string, values: unknown[] = []): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(`select count(*) from ${statement}`, values);
  return Number(rows[0]?.count);
}

inBothModes('an order', (mode) => {
  let system: TestSystem;

  before(async () => {
    system = await startSystem({ ...mode, APP__SUCCESS_RATE: '1' });
  });

  after(() => system.stop());

  it('is accepted as pending and settles as done at version 2', async () => {
    const order = anOrder();
    const accepted = await system.post(order);
    assert.equal(accepted.status, 201);
    assert.equal(accepted.headers.get('location'), `/orders/${order.order_id}`);
    assert.deepEqual(
      { ...accepted.body, created_at: '', updated_at: '' },
      {
        ...order,
        status: 'pending',
        total_amount: 1200,
        version: 1,
        failure_reason: null,
        workflow_id: null, // the workflow is assigned after the answer
        created_at: '',
        updated_at: '',
      },
    );
    const settled = await system.settled(order.order_id);
    assert.deepEqual(
      { ...settled, updated_at: '' },
      { ...accepted.body, status: 'done', version: 2, workflow_id: `order-${order.order_id}`, updated_at: '' },
    );
  });

  it('settles as failed with a reason when the processor decides so', async () => {
    await system.processor.stop();
    await system.startProcessor({ APP__SUCCESS_RATE: '0' });
    const order = anOrder();
    await system.post(order);
    const settled = await system.settled(order.order_id);
    assert.equal(settled['status'], 'failed');
    assert.equal(settled['version'], 2);
    assert.match(String(settled['failure_reason']), /\w+/);
    await system.processor.stop();
    await system.startProcessor({ APP__SUCCESS_RATE: '1' });
  });

  it('keeps its total exact to the last decimal', async () => {
    const order = anOrder({
      items: [
        { sku: 'a', quantity: 3, price: 0.1 },
        { sku: 'b', quantity: 7, price: '0.0001' },
      ],
    });
    assert.equal((await system.post(order)).body['total_amount'], 0.3007);
    assert.equal((await system.settled(order.order_id))['total_amount'], 0.3007);
    const { rows } = await system.ordersDb.pool.query('select total_amount::text from orders where order_id = $1', [
      order.order_id,
    ]);
    assert.deepEqual(rows, [{ total_amount: '0.3007' }]);
  });

  it('shows its steps, status and version in Temporal, and no customer data', async () => {
    const order = anOrder({ items: [{ sku: 'secret-laptop', quantity: 1, price: 7341.55 }] });
    await system.post(order);
    await system.settled(order.order_id);
    const handle = system.temporal.client.workflow.getHandle(`order-${order.order_id}`);
    assert.deepEqual(await handle.result(), { status: 'done', version: 2 });
    const history = await handle.fetchHistory();
    // Each step has its own marker, and one workflow task holds all of them.
    const markers = history.events?.flatMap((event) => event.markerRecordedEventAttributes ?? []) ?? [];
    const steps = markers.map(
      ({ details }) => JSON.parse(textOf(details?.['data']?.payloads?.[0])) as { activity_type: string },
    );
    assert.deepEqual(
      steps.map((step) => step.activity_type),
      ['publishOrderCreated', 'awaitSettled'],
    );
    const [published, settled] = markers.map(
      ({ details }) => JSON.parse(textOf(details?.['result']?.payloads?.[0])) as object,
    );
    const { rows } = await system.ordersDb.pool.query<{ id: string }>('select id from outbox where aggregate_id = $1', [
      order.order_id,
    ]);
    assert.deepEqual(published, { messageIds: rows.map(({ id }) => id) });
    assert.deepEqual(settled, { outcomes: [{ orderId: order.order_id, status: 'done', version: 2 }] });
    const payloads = JSON.stringify(history.events, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
    assert.ok(payloads.includes(order.order_id), 'the check below reads what is in the payloads');
    for (const secret of [order.customer_id, 'secret-laptop', '7341.55']) assert.ok(!payloads.includes(secret), secret);
  });

  it('is found in Temporal by its order id', async () => {
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    await eventually('it is listed', async () => {
      const ids = [];
      const query = `OrderId="${order.order_id}" AND OrderStatus="done" AND OrderStage="settled"`;
      for await (const workflow of system.temporal.client.workflow.list({ query })) ids.push(workflow.workflowId);
      assert.deepEqual(ids, [`order-${order.order_id}`]);
    });
  });

  it('has its own history in the database, which outlives Temporal', async () => {
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    const { rows } = await system.ordersDb.pool.query(
      'select version, type, detail from order_events where order_id = $1 order by id',
      [order.order_id],
    );
    assert.deepEqual(rows, [
      { version: 1, type: 'order.created', detail: {} },
      { version: 2, type: 'order.processed', detail: { status: 'done' } },
    ]);
  });

  it('that is placed again is returned as it is now and publishes no second event', async () => {
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    const again = await system.post({ ...order, items: [{ price: '1200.00', sku: 'laptop', quantity: 1 }] });
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, (await system.get(order.order_id)).body);
    assert.equal(await countOf(system.ordersDb, 'outbox where aggregate_id = $1', [order.order_id]), 1);
    assert.equal(await countOf(system.processorDb, 'inbox where aggregate_id = $1', [order.order_id]), 1);
  });

  it('is not changed by a different order under the same id', async () => {
    const order = anOrder();
    await system.post(order);
    for (const other of [
      { ...order, customer_id: 'somebody-else' },
      { ...order, items: [{ sku: 'laptop', quantity: 2, price: 1200 }] },
    ]) {
      const refused = await system.post(other);
      assert.equal(refused.status, 409);
      assert.equal(refused.headers.get('content-type'), 'application/problem+json');
    }
    assert.deepEqual((await system.settled(order.order_id))['items'], order.items);
  });

  it('that is posted 50 times at once is one order with one event', async () => {
    const order = anOrder();
    const answers = await Promise.all(Array.from({ length: 50 }, () => system.post(order)));
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.equal(answers.filter(({ status }) => status === 200).length, 49);
    await system.settled(order.order_id);
    assert.equal(await countOf(system.ordersDb, 'outbox where aggregate_id = $1', [order.order_id]), 1);
    assert.equal(await countOf(system.processorDb, 'inbox where aggregate_id = $1', [order.order_id]), 1);
    assert.equal(await countOf(system.processorDb, 'outbox where aggregate_id = $1', [order.order_id]), 1);
  });

  // With a workflow for each order, Temporal's server takes twenty times as long (docs/performance.md).
  const many = mode === modes['strict mode'] ? 50 : 200;
  it(`leaves no event unpublished and no workflow open when ${many} are placed`, async function () {
    this.timeout(180_000);
    const orders = Array.from({ length: many }, () => anOrder());
    for (let first = 0; first < orders.length; first += 50) {
      const answers = await Promise.all(orders.slice(first, first + 50).map((order) => system.post(order)));
      assert.ok(answers.every(({ status }) => status === 201));
    }
    for (const order of orders) assert.equal((await system.settled(order.order_id, 50_000))['version'], 2);
    const nothingOpen = async (): Promise<void> => {
      assert.equal(await countOf(system.ordersDb, 'outbox where published_at is null'), 0);
      assert.equal(await countOf(system.processorDb, 'outbox where published_at is null'), 0);
      const { count } = await system.temporal.client.workflow.count('ExecutionStatus="Running"');
      assert.equal(count, 0);
    };
    // On a busy machine a signal may miss its deadline. The workflow then looks for itself at its next check.
    await eventually('nothing is open', nothingOpen, 90_000);
    const all = await countOf(system.ordersDb, 'orders');
    assert.equal(await countOf(system.ordersDb, 'inbox'), all);
    assert.equal(await countOf(system.processorDb, 'inbox'), all);
    assert.equal(await countOf(system.processorDb, 'processing_states'), all);
  });

  it('is logged with its id and one trace id in both services', async () => {
    const order = anOrder();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await system.post(order, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    await system.settled(order.order_id);
    await eventually('both services have logged it', () => {
      const lines = [...system.orderApi.logs, ...system.processor.logs].filter(
        (line) => line['order_id'] === order.order_id && line['trace_id'] === traceId,
      );
      const messages = lines.map((line) => line['msg']).sort();
      assert.deepEqual(messages, [
        'order placed',
        'order.created published',
        'order.created received',
        'order.processed published',
        'order.processed received',
      ]);
    });
  });
});

function textOf(payload: { data?: Uint8Array | null } | undefined): string {
  return Buffer.from(payload?.data ?? []).toString();
}
