import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { withDeadline } from '../runtime/deadline.js';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { createPublisher, NotEncodable, NotPublished, type Publisher } from './publisher.js';
import type { Topology } from './topology.js';

const topology: Topology = { exchange: 'things', queues: [{ name: 'made', routingKey: 'thing.made' }] };

describe('a publisher', () => {
  let vhost: TestVhost;
  let proxy: FaultProxy;
  let publisher: Publisher;
  before(async () => (vhost = await createTestVhost()));
  beforeEach(async () => {
    proxy = await createFaultProxy(vhost.url);
    publisher = await createPublisher(proxy.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
    await vhost.request('DELETE', 'queues/made/contents');
  });
  afterEach(async () => {
    await publisher.close();
    await proxy.close();
  });
  after(() => vhost.drop());

  const queued = () => vhost.take('made');
  const publishesAgain = (): Promise<void> =>
    eventually('the publisher publishes again', () => publisher.publish(message()));

  it('stores a confirmed message in the queue, persistent, with its body and properties', async () => {
    const sent = message();
    await publisher.publish({
      ...sent,
      properties: {
        ...sent.properties,
        correlationId: 'thing-1',
        type: 'thing.made',
        appId: 'test',
        contentType: 'application/cloudevents+json',
        timestamp: 1_700_000_000,
        headers: { traceparent: 'x' },
      },
    });
    const [found, ...others] = await queued();
    assert.ok(found && others.length === 0);
    assert.equal(found.payload, sent.content.toString());
    assert.deepEqual(found.properties, {
      message_id: sent.properties.messageId,
      correlation_id: 'thing-1',
      type: 'thing.made',
      app_id: 'test',
      content_type: 'application/cloudevents+json',
      timestamp: 1_700_000_000,
      delivery_mode: 2,
      headers: { traceparent: 'x' },
    });
  });

  it('delivers each of many concurrent messages once', async () => {
    const messages = Array.from({ length: 300 }, () => message());
    await Promise.all(messages.map((one) => publisher.publish(one)));
    assert.deepEqual(
      new Set((await queued()).map(({ properties }) => properties.message_id)),
      new Set(messages.map(({ properties }) => properties.messageId)),
    );
  });

  it('rejects a message that no queue takes, and publishes the others', async () => {
    const messages = Array.from({ length: 20 }, () => message());
    const lost = { ...message(), routingKey: 'thing.nobody-wants' };
    const outcomes = await Promise.allSettled([...messages, lost].map((one) => publisher.publish(one)));
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(failures.length, 1);
    assert.equal(outcomes.at(-1)?.status, 'rejected');
    assert.match(String(failures[0]?.reason), /NotPublished: no queue took/);
    assert.equal((await queued()).length, 20);
  });

  const unencodable: [string, object][] = [
    ['headers of over 64 KiB', { headers: { large: 'x'.repeat(70_000) } }],
    ['a timestamp of 2^64', { timestamp: 2 ** 64 }],
    ['a timestamp that is not a number', { timestamp: Number.NaN }],
    ['a number that loses digits', { headers: { double: 2 ** 51 + 0.5 } }],
    ['an unknown type tag', { headers: { table: { '!': 'no such type', value: 1 } } }],
    ['a correlation id of over 255 bytes', { correlationId: 'ä'.repeat(128) }],
  ];
  for (const [what, more] of unencodable) {
    it(`rejects a message with ${what} as not encodable, and publishes the ones around it`, async () => {
      const withMore = { ...message(), properties: { messageId: randomUUID(), ...more } };
      const before = publisher.publish(message());
      await assert.rejects(publisher.publish(withMore), NotEncodable);
      await before;
      for (const one of [message(), message()]) await publisher.publish(one);
      await assert.rejects(publisher.publish({ ...message(), routingKey: 'thing.nobody-wants' }), /no queue took/);
      assert.equal((await queued()).length, 3);
    });
  }

  it('rejects messages whose binding was removed, and restores the binding', async () => {
    await vhost.request('DELETE', 'bindings/e/things/q/made/thing.made');
    await assert.rejects(publisher.publish(message()), NotPublished);
    await publishesAgain();
  });

  it('rejects messages whose queue was deleted, and restores the queue', async () => {
    await vhost.request('DELETE', 'queues/made');
    await assert.rejects(publisher.publish(message()), NotPublished);
    await publishesAgain();
    assert.ok((await queued()).length > 0);
  });

  it('rejects messages whose exchange was deleted, and restores the exchange', async () => {
    await vhost.request('DELETE', 'exchanges/things');
    await assert.rejects(publisher.publish(message()), NotPublished);
    await publishesAgain();
  });

  it('reconnects after its connection is cut', async () => {
    proxy.reset();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    await publishesAgain();
    assert.ok(publisher.isUp());
  });

  it('reconnects after an operator closes its connection', async () => {
    await eventually('the connection is closed', async () => assert.ok((await vhost.closeConnections()) > 0));
    await publishesAgain();
  });

  it('reconnects when an unavailable broker is available again, without a restart', async () => {
    proxy.down();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    await assert.rejects(publisher.publish(message()), NotPublished);
    proxy.restore();
    await publishesAgain();
  });

  it('rejects a message whose connection is lost before its confirm', async () => {
    proxy.freeze();
    const unconfirmed = assert.rejects(publisher.publish(message()), NotPublished);
    proxy.restore();
    await unconfirmed;
    await publishesAgain();
  });

  it('rejects a message that is not confirmed in time', async () => {
    proxy.freeze();
    await assert.rejects(publisher.publish(message()), /did not confirm .* within/);
    proxy.restore();
    await publishesAgain();
  });

  it('rejects at once while it is not connected', async () => {
    proxy.down();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    const unconnected = await createPublisher(proxy.url, 'unconnected publisher', topology, testLogger);
    assert.equal(unconnected.isUp(), false);
    await assert.rejects(unconnected.publish(message()), /RabbitMQ is not connected/);
    await unconnected.close();
  });

  for (const [what, fault] of [
    ['frozen', 'freeze'],
    ['down', 'down'],
  ] as const) {
    it(`closes even when the broker is ${what}`, async () => {
      const ownProxy = await createFaultProxy(vhost.url);
      const closing = await createPublisher(ownProxy.url, 'closing publisher', topology, testLogger);
      await eventually('the publisher is up', () => assert.ok(closing.isUp()));
      ownProxy[fault]();
      await withDeadline('closing', 10_000, closing.close()).finally(() => ownProxy.close());
    });
  }

  it('may be closed twice, and publishes nothing after that', async () => {
    await publisher.close();
    await publisher.close();
    assert.equal(publisher.isUp(), false);
    await assert.rejects(publisher.publish(message()), NotPublished);
  });
});

function message() {
  const messageId = randomUUID();
  return {
    exchange: topology.exchange,
    routingKey: 'thing.made',
    content: Buffer.from(JSON.stringify({ thing: messageId })),
    properties: { messageId },
  };
}
