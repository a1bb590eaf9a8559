import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { anOrder, startSystem, type TestSystem } from '../dev/e2e/system.js';
import { CliError } from '../runtime/cli-error.js';
import { eventually } from '../dev/testing/eventually.js';
import { publishedEvent } from '../dev/testing/published-event.js';
import type { LiveSystem } from './live-system.js';
import { openTestSystem, operate as operateOn } from '../dev/e2e/live-test-system.js';

const toProcessor = 'processor.order-created';

describe('operations', function () {
  this.timeout(120_000);
  let system: TestSystem;
  let live: LiveSystem;

  before(async () => {
    system = await startSystem();
    live = await openTestSystem(system);
  });
  after(async () => {
    await live.close();
    await system.stop();
  });
  afterEach(async () => void (await system.vhost.take(`${toProcessor}.dead-letter`)));

  const operate = (command: string, options?: Record<string, string | true>) => operateOn(live, command, options);
  const because = { reason: 'the test says so' };

  async function deadLetter(body: string, properties: Record<string, unknown> = {}): Promise<string> {
    const messageId = randomUUID();
    const channel = await live.rabbitmq.createConfirmChannel();
    channel.sendToQueue(toProcessor, Buffer.from(body), { messageId, type: 'order.created', ...properties });
    await channel.waitForConfirms();
    await channel.close();
    await eventually('it is dead-lettered', async () => {
      const { lines } = await operate('dead-letters list');
      assert.ok(lines.some((line) => line.startsWith(messageId)));
    });
    return messageId;
  }

  /** An order whose event is dead-lettered: its text could not be read when it arrived. */
  async function orderWithDeadLetteredEvent(): Promise<{ orderId: string; messageId: string }> {
    await system.processor.stop();
    const order = anOrder();
    await system.post(order);
    const [message] = await eventually('its event is in the queue', async () => {
      const found = await system.vhost.peek(toProcessor);
      assert.equal(found.length, 1);
      return found;
    });
    assert.ok(message);
    await system.vhost.take(toProcessor);
    const { message_id: messageId, headers } = message.properties as { message_id: string; headers: object };
    // As the consumer does it, with the headers that it adds.
    const channel = await live.rabbitmq.createConfirmChannel();
    channel.sendToQueue(`${toProcessor}.dead-letter`, Buffer.from(message.payload), {
      ...{ messageId, type: 'order.created', correlationId: order.order_id, persistent: true },
      headers: { ...headers, 'x-dead-letter-reason': 'Error: out of paper', 'x-dead-letter-attempts': 3 },
    });
    await channel.waitForConfirms();
    await channel.close();
    await system.startProcessor();
    return { orderId: order.order_id, messageId };
  }

  describe('on dead-lettered messages', () => {
    it('list them with what is wrong with them, and show one of them whole', async () => {
      const messageId = await deadLetter('{"not": "an event"}', {
        correlationId: 'ord-x',
        headers: { traceparent: 'kept' },
      });
      const { lines } = await operate('dead-letters list');
      assert.equal(lines.length, 1);
      assert.match(
        lines[0] ?? '',
        new RegExp(
          `^${messageId} order.created of order ord-x from ${toProcessor}, after 3 attempts, .*: UnreadableMessage: `,
        ),
      );
      const shown = (await operate(`dead-letters show ${messageId}`)).lines.join('\n');
      assert.match(shown, /content {2}"\{\\"not\\": \\"an event\\"\}"/);
      assert.match(shown, /"traceparent":"kept"/);
      assert.deepEqual((await operate('dead-letters list', { type: 'order.processed' })).lines, [
        'no message is dead-lettered',
      ]);
    });

    it('list the same however soon one looks again: looking takes nothing away', async () => {
      const messageIds = [await deadLetter('x'), await deadLetter('y')];
      for (let look = 1; look <= 50; look++) {
        const { lines } = await operate('dead-letters list');
        assert.deepEqual(lines.map((line) => line.split(' ')[0]).sort(), messageIds.sort(), `look ${look}`);
      }
    });

    it('replay one: under its id, with who and why, and its order settles once', async () => {
      const { orderId, messageId } = await orderWithDeadLetteredEvent();
      const { lines, isComplete } = await operate(`dead-letters replay ${messageId}`, because);
      assert.ok(isComplete && lines.length === 1 && lines[0]?.startsWith(`replayed ${messageId}`), lines.join('\n'));
      assert.equal((await system.settled(orderId))['version'], 2);
      const { rows } = await system.processorDb.pool.query('select message_id from inbox where aggregate_id = $1', [
        orderId,
      ]);
      assert.deepEqual(rows, [{ message_id: messageId }]);
      const shown = (await operate(`orders show ${orderId}`)).lines.join('\n');
      assert.match(shown, /operator {5}replay by ann, .*: the test says so/);
      assert.deepEqual((await operate('dead-letters list')).lines, ['no message is dead-lettered']);
    });

    it('replay one again that had its effect already: nothing comes of it', async () => {
      const { orderId, messageId } = await orderWithDeadLetteredEvent();
      await operate(`dead-letters replay ${messageId}`, because);
      const settled = await system.settled(orderId);
      const { body: again } = await publishedEvent(system.ordersDb.pool, orderId);
      const channel = await live.rabbitmq.createConfirmChannel();
      channel.sendToQueue(`${toProcessor}.dead-letter`, Buffer.from(again), { messageId, type: 'order.created' });
      await channel.waitForConfirms();
      await channel.close();
      assert.ok((await operate('dead-letters replay', { ...because, all: true })).isComplete);
      await eventually('it is worked off', () =>
        assert.ok(system.processor.logs.some((line) => line['order_id'] === orderId && line['repeated'] === true)),
      );
      assert.deepEqual((await system.get(orderId)).body, settled);
      assert.deepEqual((await operate('dead-letters list')).lines, ['no message is dead-lettered']);
    });

    it('replay those of a type, and what is still wrong with them dead-letters them again', async () => {
      const [one, other] = [await deadLetter('x'), await deadLetter('y', { type: 'order.other' })];
      const { lines } = await operate('dead-letters replay', { ...because, type: 'order.other' });
      assert.deepEqual(
        lines.map((line) => line.split(' ')[1]),
        [other],
      );
      await eventually('both are dead-lettered', async () => {
        const { lines: listed } = await operate('dead-letters list');
        assert.deepEqual(listed.map((line) => line.split(' ')[0]).sort(), [one, other].sort());
      });
    });

    it('discard one, and its content is kept with who and why', async () => {
      const messageId = await deadLetter('to be thrown away', { correlationId: 'ord-y' });
      assert.match((await operate(`dead-letters discard ${messageId}`, because)).lines[0] ?? '', /^discarded /);
      assert.deepEqual((await operate('dead-letters list')).lines, ['no message is dead-lettered']);
      const { rows } = await system.ordersDb.pool.query<{
        who: string;
        reason: string;
        action: string;
        detail: { content: string };
      }>(`select who, reason, action, detail from operations.actions where order_id = 'ord-y'`);
      const [{ detail, ...action } = { detail: { content: '' } }] = rows;
      assert.deepEqual(action, { who: 'ann', reason: 'the test says so', action: 'discard' });
      assert.equal(Buffer.from(detail.content, 'base64').toString(), 'to be thrown away');
    });

    it('do nothing without a reason, or without knowing which', async () => {
      const messageId = await deadLetter('stays');
      for (const [line, more] of [
        [`dead-letters replay ${messageId}`, {}],
        [`dead-letters discard ${messageId}`, {}],
        ['dead-letters replay', because],
        ['nonsense', {}],
        ['orders show x', { wait: '3' }],
        [`dead-letters replay ${messageId}`, { ...because, all: true }],
        ['dead-letters', {}],
        ['orders show', {}],
        ['orders show a b', {}],
      ] as const) {
        await assert.rejects(operate(line, more), CliError, line);
      }
      assert.equal((await operate('dead-letters list')).lines.length, 1);
      assert.equal((await operate(`dead-letters show ${randomUUID()}`)).isComplete, false);
      assert.equal((await operate(`dead-letters discard ${randomUUID()}`, because)).isComplete, false);
    });
  });

  describe('on orders', () => {
    it('show the way of one that has settled, with nothing open', async () => {
      const order = anOrder();
      await system.post(order);
      await system.settled(order.order_id);
      await eventually('its workflow has ended', async () => {
        const lines = (await operate(`orders show ${order.order_id}`)).lines;
        const names = lines.slice(1).map((line) => line.trim().split(' ')[0]);
        assert.deepEqual(names, [
          'placed',
          'event',
          'workflow',
          'processor',
          'outcome',
          'event',
          'order',
          'history',
          'history',
        ]);
        assert.match(lines[0] ?? '', new RegExp(`^order ${order.order_id}: (done|failed), version 2, total 1200`));
        assert.match(
          lines.join('\n'),
          new RegExp(
            `order-${order.order_id}: COMPLETED, settled, http://localhost:8233/namespaces/test-[^/]+/workflows/order-${order.order_id}/`,
          ),
        );
      });
    });

    it('show what is open of one that has not', async () => {
      const { orderId, messageId } = await orderWithDeadLetteredEvent();
      const text = await eventually('its workflow has waited in its first task, and goes on', async () => {
        const shown = (await operate(`orders show ${orderId}`)).lines.join('\n');
        assert.match(shown, /RUNNING, awaitingOutcome/);
        return shown;
      });
      assert.match(text, new RegExp(`dead letter {2}${messageId} .* Error: out of paper`));
      assert.match(text, /problem {6}I7: pending/);
      await operate(`dead-letters replay ${messageId}`, because);
      await system.settled(orderId);
    });

    it('show no workflow of another whose id differs by case alone', async () => {
      const order = anOrder();
      const other = anOrder({ order_id: order.order_id.toUpperCase() });
      for (const each of [order, other]) await system.post(each);
      for (const each of [order, other]) await system.settled(each.order_id);
      await eventually('its workflow is listed', async () => {
        const { lines } = await operate(`orders show ${order.order_id}`);
        const ofWorkflows = lines.filter((line) => line.startsWith('  workflow'));
        assert.match(ofWorkflows.join('\n'), new RegExp(`^  workflow     order-${order.order_id}: [^\n]*$`));
      });
    });

    it('show nothing of one that nobody knows', async () => {
      assert.deepEqual(await operate('orders show "never'), {
        lines: ['there is no order "never, and no message or workflow mentions one'],
        isComplete: false,
      });
      assert.equal((await operate('orders retry never', because)).isComplete, false);
    });

    it('retry one whose event was lost: it is published again, and settles', async () => {
      await system.processor.stop();
      const order = anOrder();
      await system.post(order);
      await eventually('its event is in the queue', async () =>
        assert.equal((await system.vhost.peek(toProcessor)).length, 1),
      );
      await system.vhost.take(toProcessor);
      await system.startProcessor();
      const { lines } = await operate(`orders retry ${order.order_id}`, because);
      assert.deepEqual(lines, ['due now: the pending order', `asked order-${order.order_id} to check now`]);
      assert.equal((await system.settled(order.order_id))['version'], 2);
      assert.deepEqual((await operate(`orders retry ${order.order_id}`, because)).lines, [
        'nothing about it is pending',
      ]);
    });
  });

  it('list what is not published, and why', async () => {
    assert.deepEqual((await operate('outbox pending')).lines, ['every event is published']);
    await Promise.all([system.orderApi.stop(), system.processor.stop()]);
    await system.ordersDb.pool.query(
      `insert into outbox (id, aggregate_id, type, payload, headers, check_at, attempts, last_error)
       values (gen_random_uuid(), 'ord-z', 'order.created', '{}', '{}', now(), 2, 'NotPublished: RabbitMQ is away')`,
    );
    const { lines } = await operate('outbox pending');
    assert.match(
      lines.join('\n'),
      /order.created of order ord-z, less than a second old, 2 attempts, last error: NotPublished: RabbitMQ is away$/,
    );
    await system.ordersDb.pool.query(`delete from outbox where aggregate_id = 'ord-z'`);
    await Promise.all([system.startOrderApi(), system.startProcessor()]);
  });
});
