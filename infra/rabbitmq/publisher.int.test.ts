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

describe('publisher', () => {
  let vhost: TestVhost;
  let link: FaultProxy;
  let publisher: Publisher;
  before(async () => (vhost = await createTestVhost()));
  beforeEach(async () => {
    link = await createFaultProxy(vhost.url);
    publisher = await createPublisher(link.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
    await vhost.request('DELETE', 'queues/made/contents');
  });
  afterEach(async () => {
    await publisher.close();
    await link.close();
  });
  after(() => vhost.drop());

  const queued = () => vhost.take('made');
  const publishesAgain = (): Promise<void> => eventually('it publishes again', () => publisher.publish(message()));

  it('a message that is confirmed is in the queue, persistent, with its body and properties', async () => {
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

  it('many messages at once arrive, each once', async () => {
    const messages = Array.from({ length: 300 }, () => message());
    await Promise.all(messages.map((one) => publisher.publish(one)));
    assert.deepEqual(
      new Set((await queued()).map(({ properties }) => properties.message_id)),
      new Set(messages.map(({ properties }) => properties.messageId)),
    );
  });

  it('a message that no queue takes is not published, its neighbours are', async () => {
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
    ['headers over 64 KiB', { headers: { large: 'x'.repeat(70_000) } }],
    ['a timestamp of 2^64', { timestamp: 2 ** 64 }],
    ['a timestamp that is no number', { timestamp: Number.NaN }],
    ['a number in which digits are lost', { headers: { double: 2 ** 51 + 0.5 } }],
    ['a type of its own', { headers: { table: { '!': 'no such type', value: 1 } } }],
    ['a correlation id over 255 bytes', { correlationId: 'ä'.repeat(128) }],
  ];
  for (const [what, more] of unencodable) {
    it(`a message with ${what} is refused as such, and those around it are confirmed`, async () => {
      const withMore = { ...message(), properties: { messageId: randomUUID(), ...more } };
      const before = publisher.publish(message());
      await assert.rejects(publisher.publish(withMore), NotEncodable);
      await before;
      for (const one of [message(), message()]) await publisher.publish(one);
      await assert.rejects(publisher.publish({ ...message(), routingKey: 'thing.nobody-wants' }), /no queue took/);
      assert.equal((await queued()).length, 3);
    });
  }

  it('a binding that was removed makes messages fail, and comes back by itself', async () => {
    await vhost.request('DELETE', 'bindings/e/things/q/made/thing.made');
    await assert.rejects(publisher.publish(message()), NotPublished);
    await publishesAgain();
  });

  it('a queue that was deleted makes messages fail, and comes back by itself', async () => {
    await vhost.request('DELETE', 'queues/made');
    await assert.rejects(publisher.publish(message()), NotPublished);
    await publishesAgain();
    assert.ok((await queued()).length > 0);
  });

  it('an exchange that was deleted makes messages fail, and comes back by itself', async () => {
    await vhost.request('DELETE', 'exchanges/things');
    await assert.rejects(publisher.publish(message()), NotPublished);
    await publishesAgain();
  });

  it('a connection that is cut comes back by itself', async () => {
    link.reset();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    await publishesAgain();
    assert.ok(publisher.isUp());
  });

  it('a connection that an operator closes comes back by itself', async () => {
    await eventually('the connection is closed', async () => assert.ok((await vhost.closeConnections()) > 0));
    await publishesAgain();
  });

  it('a broker that is away comes back without a restart of ours', async () => {
    link.down();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    await assert.rejects(publisher.publish(message()), NotPublished);
    link.restore();
    await publishesAgain();
  });

  it('a message whose connection is lost before its confirm is not published', async () => {
    link.freeze();
    const unconfirmed = assert.rejects(publisher.publish(message()), NotPublished);
    link.restore();
    await unconfirmed;
    await publishesAgain();
  });

  it('a message that is never confirmed is given up after a while', async () => {
    link.freeze();
    await assert.rejects(publisher.publish(message()), /did not confirm .* within/);
    link.restore();
    await publishesAgain();
  });

  it('while it is not connected it rejects at once', async () => {
    link.down();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    const lonely = await createPublisher(link.url, 'lonely publisher', topology, testLogger);
    assert.equal(lonely.isUp(), false);
    await assert.rejects(lonely.publish(message()), /RabbitMQ is not connected/);
    await lonely.close();
  });

  for (const loss of ['freeze', 'down'] as const) {
    it(`closes even when the broker is lost at that moment (${loss})`, async () => {
      const way = await createFaultProxy(vhost.url);
      const leaving = await createPublisher(way.url, 'leaving publisher', topology, testLogger);
      await eventually('the publisher is up', () => assert.ok(leaving.isUp()));
      way[loss]();
      await withDeadline('closing', 10_000, leaving.close()).finally(() => way.close());
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
