import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createPublisher, type Publisher } from '../../rabbitmq/publisher.js';
import { eventually } from '../testing/eventually.js';
import { testLogger } from '../testing/test-logger.js';
import { orderTopology } from '../../../workflows/order-events.js';
import { inBothModes } from './both-modes.js';
import { anOrder, startSystem, type TestSystem } from './system.js';

inBothModes('a message from RabbitMQ', (mode) => {
  let system: TestSystem;
  let publisher: Publisher;

  before(async () => {
    system = await startSystem({ ...mode, APP__SUCCESS_RATE: '1' });
    publisher = await createPublisher(system.vhost.url, 'test publisher', orderTopology, testLogger);
    await eventually('the publisher is connected', () => assert.ok(publisher.isUp()));
  });

  after(async () => {
    await publisher.close();
    await system.stop();
  });

  async function publish(routingKey: string, body: string | object): Promise<string> {
    const messageId = randomUUID();
    const content = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    await publisher.publish({ exchange: 'orders', routingKey, content, properties: { messageId } });
    return messageId;
  }

  function orderProcessed(orderId: string, data: object) {
    return {
      specversion: '1.0',
      id: randomUUID(),
      source: 'test',
      type: 'order.processed',
      subject: orderId,
      time: new Date().toISOString(),
      dataversion: '1',
      data: { order_id: orderId, ...data },
    };
  }

  async function historyOf(orderId: string): Promise<unknown[]> {
    const { rows } = await system.ordersDb.pool.query<object>(
      'select version, type, detail from order_events where order_id = $1 order by id',
      [orderId],
    );
    return rows;
  }

  it('is applied once, however often it is delivered', async () => {
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    const { rows } = await system.processorDb.pool.query<{ id: string; payload: object }>(
      'select id, payload from outbox where aggregate_id = $1',
      [order.order_id],
    );
    const before = await historyOf(order.order_id);
    for (let copy = 0; copy < 5; copy += 1)
      await publish('order.processed', orderProcessed(order.order_id, rows[0]?.payload ?? {}));
    await eventually('all copies have been consumed', () => {
      const repeats = system.orderApi.logs.filter(
        (line) => line['order_id'] === order.order_id && line['result'] === 'repeated',
      );
      assert.equal(repeats.length, 5);
    });
    assert.deepEqual(await historyOf(order.order_id), before);
  });

  it('with a stale outcome changes nothing and is recorded as ignored', async () => {
    const order = anOrder();
    await system.post(order);
    const settled = await system.settled(order.order_id);
    await publish('order.processed', orderProcessed(order.order_id, { status: 'failed', reason: 'late', version: 1 }));
    await eventually('it is recorded', async () => {
      assert.deepEqual((await historyOf(order.order_id)).at(-1), {
        version: 1,
        type: 'order.outcome-ignored',
        detail: { status: 'failed', reason: 'late', why: 'the order was done at version 2' },
      });
    });
    assert.deepEqual((await system.get(order.order_id)).body, settled);
  });

  it('never changes a settled order, whatever version it carries', async () => {
    const order = anOrder();
    await system.post(order);
    const settled = await system.settled(order.order_id);
    await publish('order.processed', orderProcessed(order.order_id, { status: 'failed', reason: 'late', version: 3 }));
    await eventually('it is recorded', async () => {
      const last = (await historyOf(order.order_id)).at(-1) as { type: string };
      assert.equal(last.type, 'order.outcome-ignored');
    });
    assert.deepEqual((await system.get(order.order_id)).body, settled);
  });

  it('that is poison is dead-lettered with its reason after 3 attempts and holds up no other', async () => {
    const poison = [
      'this is not JSON',
      orderProcessed('nobody-s-order', { status: 'done', version: 2 }),
      { ...orderProcessed('x', { status: 'done', version: 2 }), dataversion: '9' },
      orderProcessed('x', { status: 'undecided', version: 2 }),
    ];
    const ids = [];
    for (const body of poison) ids.push(await publish('order.processed', body));
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    const deadLettered = await eventually('all poison is dead-lettered', async () => {
      const messages = await system.vhost.peek('order-api.order-processed.dead-letter');
      assert.equal(messages.length, poison.length);
      return messages;
    });
    assert.deepEqual(deadLettered.map(({ properties }) => properties.message_id).sort(), ids.sort());
    for (const { properties } of deadLettered) assert.equal(properties.headers['x-dead-letter-attempts'], 3);
    const reasons = deadLettered.map(({ properties }) => String(properties.headers['x-dead-letter-reason'])).sort();
    assert.match(reasons[0] ?? '', /UnknownOrder: there is no order nobody-s-order/);
    assert.match(reasons[1] ?? '', /body is not JSON/);
    assert.match(reasons[2] ?? '', /data of order\.processed is invalid/);
    assert.match(reasons[3] ?? '', /unknown dataversion 9/);
  });

  it('that is poison for the processor is dead-lettered there as well', async () => {
    await publish('order.created', { hello: 'world' });
    await eventually('it is dead-lettered', async () => {
      const [message] = await system.vhost.peek('processor.order-created.dead-letter');
      assert.equal(message?.payload, '{"hello":"world"}');
      assert.match(String(message.properties.headers['x-dead-letter-reason']), /not a CloudEvents 1.0 envelope/);
    });
  });
});
