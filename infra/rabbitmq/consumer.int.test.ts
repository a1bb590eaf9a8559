import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { createConsumer, type Consumer, type ConsumerOptions } from './consumer.js';
import { createPublisher, type Publisher } from './publisher.js';
import type { Topology } from './topology.js';

const topology: Topology = { exchange: 'things', queues: [{ name: 'made', routingKey: 'thing.made' }] };

class Outage extends Error {}

describe('a consumer', () => {
  let vhost: TestVhost;
  let proxy: FaultProxy;
  let publisher: Publisher;
  let consumer: Consumer | undefined;
  let handled: string[];
  before(async () => {
    vhost = await createTestVhost();
    publisher = await createPublisher(vhost.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
  });
  beforeEach(async () => {
    handled = [];
    proxy = await createFaultProxy(vhost.url);
    for (const queue of ['made', 'made.dead-letter']) await vhost.request('DELETE', `queues/${queue}/contents`);
  });
  afterEach(async () => {
    await consumer?.close();
    consumer = undefined;
    await proxy.close();
  });
  after(async () => {
    await publisher.close();
    await vhost.drop();
  });

  const consume = async (handle: (message: ConsumeMessage) => Promise<void>, more: Partial<ConsumerOptions> = {}) => {
    consumer = await createConsumer({
      url: proxy.url,
      name: 'test consumer',
      topology,
      queue: 'made',
      prefetch: 2,
      publisher,
      handle,
      isOutage: (error) => error instanceof Outage,
      logger: testLogger,
      log: () => testLogger,
      ...more,
    });
    await eventually('the consumer is up', () => assert.ok(consumer?.isUp()));
  };
  const recordHandled = async (message: ConsumeMessage): Promise<void> => void handled.push(bodyOf(message));
  const queued = (queue = 'made') => vhost.take(queue);
  const send = (body: string, properties: object = {}): Promise<void> =>
    publisher.publish({
      exchange: 'things',
      routingKey: 'thing.made',
      content: Buffer.from(body),
      properties: { messageId: randomUUID(), ...properties },
    });
  const wasHandled = (...bodies: string[]): Promise<void> =>
    eventually('the messages are handled', () => {
      for (const body of bodies) assert.ok(handled.includes(body), `${body} is not among ${handled.join()}`);
    });
  /** Closes the consumer and counts the messages that are left in both queues. */
  const leftOver = async () => {
    await consumer?.close();
    return { queue: (await queued()).length, deadLetters: (await queued('made.dead-letter')).length };
  };

  it('acknowledges a message that it has handled', async () => {
    await consume(recordHandled);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((body) => send(body)));
    await wasHandled('a', 'b', 'c', 'd', 'e');
    assert.deepEqual(await leftOver(), { queue: 0, deadLetters: 0 });
    assert.equal(handled.length, 5);
  });

  it('handles as many messages at once as its prefetch allows, and no more', async () => {
    let [atOnce, max] = [0, 0];
    await consume(async (message) => {
      max = Math.max(max, (atOnce += 1));
      await sleep(30);
      atOnce -= 1;
      await recordHandled(message);
    });
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((body) => send(body)));
    await wasHandled('a', 'b', 'c', 'd', 'e', 'f');
    assert.equal(max, 2);
  });

  it('dead-letters a poison message after 3 attempts, without holding up others', async () => {
    let attempts = 0;
    await consume(async (message) => {
      if (bodyOf(message) !== 'poison') return recordHandled(message);
      attempts += 1;
      throw new TypeError('cannot read it');
    });
    const headers = { traceparent: 'x' };
    await send('poison', { messageId: 'm-1', correlationId: 'c-1', type: 't', headers, expiration: '600000' });
    await Promise.all(['a', 'b', 'c', 'd'].map((body) => send(body)));
    await wasHandled('a', 'b', 'c', 'd');
    const deadLetter = await eventually('the message is dead-lettered', async () => {
      const [found] = await queued('made.dead-letter');
      assert.ok(found);
      return found;
    });
    assert.equal(attempts, 3);
    const { 'x-dead-letter-at': at, ...others } = deadLetter.properties.headers;
    assert.deepEqual(others, {
      traceparent: 'x',
      'x-dead-letter-reason': 'TypeError: cannot read it',
      'x-dead-letter-attempts': 3,
      'x-original-exchange': 'things',
      'x-original-routing-key': 'thing.made',
    });
    assert.ok(!Number.isNaN(Date.parse(String(at))));
    assert.equal(deadLetter.payload, 'poison');
    const { headers: _headers, ...properties } = deadLetter.properties;
    assert.deepEqual(properties, { message_id: 'm-1', correlation_id: 'c-1', type: 't', delivery_mode: 2 });
    assert.deepEqual(await leftOver(), { queue: 0, deadLetters: 0 });
  });

  it('dead-letters a poison message that has no id', async () => {
    await consume(async () => Promise.reject(new Error('it broke')));
    await vhost.request('POST', 'exchanges/things/publish', {
      properties: {},
      routing_key: 'thing.made',
      payload: 'poison',
      payload_encoding: 'string',
    });
    const deadLetter = await eventually('the message is dead-lettered', async () => {
      const [found] = await queued('made.dead-letter');
      assert.ok(found);
      return found;
    });
    assert.ok(deadLetter.properties['message_id'], 'the publisher identifies a returned message by its id');
  });

  it('retries messages that failed together one after another, so that other work can run in between', async () => {
    const tried = new Set<string>();
    let [inThisTurn, maxInATurn] = [0, 0];
    await consume(
      async (message) => {
        const body = bodyOf(message);
        if (tried.has(body)) {
          setImmediate(() => (inThisTurn = 0));
          maxInATurn = Math.max(maxInATurn, (inThisTurn += 1));
        }
        tried.add(body);
        throw new TypeError('cannot read it');
      },
      { prefetch: 200 },
    );
    await Promise.all(Array.from({ length: 200 }, (_, index) => send(`poison ${index}`)));
    await eventually('all messages are dead-lettered', async () =>
      assert.equal(await publisher.depthOf('made.dead-letter'), 200),
    );
    // The next turn may begin before the count of this one is reset.
    assert.ok(maxInATurn === 1 || maxInATurn === 2, `${maxInATurn} in one turn of the event loop`);
  });

  it('waits out an outage of any length and dead-letters nothing for it', async () => {
    let attempts = 0;
    await consume(async (message) => {
      attempts += 1;
      if (attempts <= 6) throw new Outage('the database is unavailable');
      await recordHandled(message);
    });
    await send('waiting');
    await wasHandled('waiting');
    assert.equal(attempts, 7);
    assert.deepEqual(await leftOver(), { queue: 0, deadLetters: 0 });
  });

  it('holds a poison message until it can be dead-lettered', async () => {
    const publisherProxy = await createFaultProxy(vhost.url);
    const ownPublisher = await createPublisher(publisherProxy.url, 'dead-letter publisher', topology, testLogger);
    try {
      publisherProxy.down();
      await eventually('the publisher is down', () => assert.ok(!ownPublisher.isUp()));
      let attempts = 0;
      const fail = async (): Promise<void> => {
        attempts += 1;
        throw new Error('it broke');
      };
      await consume(fail, { publisher: ownPublisher });
      await send('poison');
      await eventually('the message has failed', () => assert.equal(attempts, 3));
      await sleep(300);
      assert.equal((await queued('made.dead-letter')).length, 0);
      publisherProxy.restore();
      const deadLetter = await eventually('the message is dead-lettered', async () => {
        const [found] = await queued('made.dead-letter');
        assert.ok(found);
        return found;
      });
      assert.equal(deadLetter.properties.headers['x-dead-letter-attempts'], 3, 'waiting is not an attempt');
      assert.equal(attempts, 3, 'it is not retried while it waits to be dead-lettered');
    } finally {
      await ownPublisher.close();
      await publisherProxy.close();
    }
  });
});

function bodyOf(message: ConsumeMessage): string {
  return message.content.toString();
}
