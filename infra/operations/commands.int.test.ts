import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { anOrder, startSystem, type TestSystem } from '../dev/e2e/system.js';
import { CliError } from '../runtime/cli-error.js';
import { eventually } from '../dev/testing/eventually.js';
import { publishedEvent } from '../dev/testing/published-event.js';
import type { LiveSystem } from './live-system.js';
import { openTestSystem, operate as operateOn } from '../dev/e2e/live-test-system.js';

const toProcessor = 'processor.order-created';

describe('the ops command', function () {
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
  const withReason = { reason: 'the test says so' };

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

  /** Places an order and dead-letters its `order.created`, as if the processor had been unable to read it. */
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
    // The consumer dead-letters a message like this, with the headers that it adds.
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

  describe('for dead-lettered messages', () => {
    it('lists each with the reason, and shows one of them in full', async () => {
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

    it('lists the same messages each time: listing does not remove any', async () => {
      const messageIds = [await deadLetter('x'), await deadLetter('y')];
      for (let listing = 1; listing <= 50; listing++) {
        const { lines } = await operate('dead-letters list');
        assert.deepEqual(lines.map((line) => line.split(' ')[0]).sort(), messageIds.sort(), `listing ${listing}`);
      }
    });

    it('replays one under its id, records who replayed it and why, and its order settles once', async () => {
      const { orderId, messageId } = await orderWithDeadLetteredEvent();
      const { lines, isComplete } = await operate(`dead-letters replay ${messageId}`, withReason);
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

    it('replays one whose event has already taken effect, and changes nothing', async () => {
      const { orderId, messageId } = await orderWithDeadLetteredEvent();
      await operate(`dead-letters replay ${messageId}`, withReason);
      const settled = await system.settled(orderId);
      const { body: again } = await publishedEvent(system.ordersDb.pool, orderId);
      const channel = await live.rabbitmq.createConfirmChannel();
      channel.sendToQueue(`${toProcessor}.dead-letter`, Buffer.from(again), { messageId, type: 'order.created' });
      await channel.waitForConfirms();
      await channel.close();
      assert.ok((await operate('dead-letters replay', { ...withReason, all: true })).isComplete);
      await eventually('the processor has handled the copy', () =>
        assert.ok(system.processor.logs.some((line) => line['order_id'] === orderId && line['repeated'] === true)),
      );
      assert.deepEqual((await system.get(orderId)).body, settled);
      assert.deepEqual((await operate('dead-letters list')).lines, ['no message is dead-lettered']);
    });

    it('replays those of one type, which are dead-lettered again if they still cannot be handled', async () => {
      const [one, other] = [await deadLetter('x'), await deadLetter('y', { type: 'order.other' })];
      const { lines } = await operate('dead-letters replay', { ...withReason, type: 'order.other' });
      assert.deepEqual(
        lines.map((line) => line.split(' ')[1]),
        [other],
      );
      await eventually('both are dead-lettered', async () => {
        const { lines: listed } = await operate('dead-letters list');
        assert.deepEqual(listed.map((line) => line.split(' ')[0]).sort(), [one, other].sort());
      });
    });

    it('discards one, and records its content, who discarded it and why', async () => {
      const messageId = await deadLetter('to be thrown away', { correlationId: 'ord-y' });
      assert.match((await operate(`dead-letters discard ${messageId}`, withReason)).lines[0] ?? '', /^discarded /);
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

    it('refuses to act without a reason or without exactly one selection', async () => {
      const messageId = await deadLetter('stays');
      for (const [line, more] of [
        [`dead-letters replay ${messageId}`, {}],
        [`dead-letters discard ${messageId}`, {}],
        ['dead-letters replay', withReason],
        ['nonsense', {}],
        ['orders show x', { wait: '3' }],
        [`dead-letters replay ${messageId}`, { ...withReason, all: true }],
        ['dead-letters', {}],
        ['orders show', {}],
        ['orders show a b', {}],
      ] as const) {
        await assert.rejects(operate(line, more), CliError, line);
      }
      assert.equal((await operate('dead-letters list')).lines.length, 1);
      assert.equal((await operate(`dead-letters show ${randomUUID()}`)).isComplete, false);
      assert.equal((await operate(`dead-letters discard ${randomUUID()}`, withReason)).isComplete, false);
    });
  });

  describe('for orders', () => {
    it('shows each step of one that has settled, and no problem', async () => {
      const order = anOrder();
      await system.post(order);
      await system.settled(order.order_id);
      await eventually('its workflow has completed', async () => {
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

    it('shows the problems of one that has not settled', async () => {
      const { orderId, messageId } = await orderWithDeadLetteredEvent();
      const text = await eventually('its workflow has finished its first task and waits for the outcome', async () => {
        const shown = (await operate(`orders show ${orderId}`)).lines.join('\n');
        assert.match(shown, /RUNNING, awaitingOutcome/);
        return shown;
      });
      assert.match(text, new RegExp(`dead letter {2}${messageId} .* Error: out of paper`));
      assert.match(text, /problem {6}I7: pending/);
      await operate(`dead-letters replay ${messageId}`, withReason);
      await system.settled(orderId);
    });

    it('shows no workflow of an order whose id differs by case alone', async () => {
      const order = anOrder();
      const other = anOrder({ order_id: order.order_id.toUpperCase() });
      for (const each of [order, other]) await system.post(each);
      for (const each of [order, other]) await system.settled(each.order_id);
      await eventually('its workflow is listed', async () => {
        const { lines } = await operate(`orders show ${order.order_id}`);
        const workflowLines = lines.filter((line) => line.startsWith('  workflow'));
        assert.match(workflowLines.join('\n'), new RegExp(`^  workflow     order-${order.order_id}: [^\n]*$`));
      });
    });

    it('reports that there is no such order', async () => {
      assert.deepEqual(await operate('orders show "never'), {
        lines: ['there is no order "never, and no message or workflow mentions one'],
        isComplete: false,
      });
      assert.equal((await operate('orders retry never', withReason)).isComplete, false);
    });

    it('retries one whose event was lost: the event is published again, and the order settles', async () => {
      await system.processor.stop();
      const order = anOrder();
      await system.post(order);
      await eventually('its event is in the queue', async () =>
        assert.equal((await system.vhost.peek(toProcessor)).length, 1),
      );
      await system.vhost.take(toProcessor);
      await system.startProcessor();
      const { lines } = await operate(`orders retry ${order.order_id}`, withReason);
      assert.deepEqual(lines, ['due now: the pending order', `asked order-${order.order_id} to check now`]);
      assert.equal((await system.settled(order.order_id))['version'], 2);
      assert.deepEqual((await operate(`orders retry ${order.order_id}`, withReason)).lines, [
        'nothing about it is pending',
      ]);
    });
  });

  it('lists the events that are not published, with the last error', async () => {
    assert.deepEqual((await operate('outbox pending')).lines, ['every event is published']);
    await Promise.all([system.orderApi.stop(), system.processor.stop()]);
    await system.ordersDb.pool.query(
      `insert into outbox (id, aggregate_id, type, payload, headers, check_at, attempts, last_error)
       values (gen_random_uuid(), 'ord-z', 'order.created', '{}', '{}', now(), 2, 'NotPublished: RabbitMQ is not connected')`,
    );
    const { lines } = await operate('outbox pending');
    assert.match(
      lines.join('\n'),
      /order.created of order ord-z, less than a second old, 2 attempts, last error: NotPublished: RabbitMQ is not connected$/,
    );
    await system.ordersDb.pool.query(`delete from outbox where aggregate_id = 'ord-z'`);
    await Promise.all([system.startOrderApi(), system.startProcessor()]);
  });
});
