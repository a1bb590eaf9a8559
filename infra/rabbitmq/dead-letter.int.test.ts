import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestVhost, type QueuedMessage, type TestVhost } from '../dev/testing/test-vhost.js';
import { createConsumer, type Consumer } from './consumer.js';
import { maxMessageBytes } from './dead-letter.js';
import { createPublisher, type Publisher } from './publisher.js';
import type { Topology } from './topology.js';

const topology: Topology = { exchange: 'things', queues: [{ name: 'made', routingKey: 'thing.made' }] };
const nul = '\u0000';

describe('a poison message is dead-lettered once with its reason', () => {
  let vhost: TestVhost;
  let publisher: Publisher;
  let consumer: Consumer;
  let change: (message: ConsumeMessage) => void;
  before(async () => {
    vhost = await createTestVhost();
    publisher = await createPublisher(vhost.url, 'test publisher', topology, testLogger);
    consumer = await createConsumer({
      url: vhost.url,
      name: 'test consumer',
      topology,
      queue: 'made',
      prefetch: 10,
      publisher,
      handle: async (message) => {
        change(message);
        throw new TypeError('cannot read it');
      },
      isOutage: () => false,
      logger: testLogger,
      log: () => testLogger,
    });
    await eventually('both are up', () => assert.ok(publisher.isUp() && consumer.isUp()));
  });
  beforeEach(() => (change = () => undefined));
  afterEach(() => vhost.request('DELETE', 'queues/made.dead-letter/contents'));
  after(async () => {
    await consumer.close();
    await publisher.close();
    await vhost.drop();
  });

  /** Publishes through the management API, since amqplib cannot write everything that it can read. */
  const send = async (properties: object, payload = 'poison'): Promise<void> => {
    const body = { properties: { message_id: 'm-1', ...properties }, routing_key: 'thing.made', payload };
    const { routed } = (await vhost.request('POST', 'exchanges/things/publish', {
      ...body,
      payload_encoding: 'base64',
      payload: Buffer.from(payload).toString('base64'),
    })) as { routed: boolean };
    assert.ok(routed);
  };
  const deadLetter = async (): Promise<QueuedMessage> => {
    await eventually('the message is dead-lettered', async () =>
      assert.equal(await publisher.depthOf('made.dead-letter'), 1),
    );
    const [found, ...others] = await vhost.take('made.dead-letter');
    assert.ok(found && others.length === 0);
    assert.equal(await publisher.depthOf('made'), 0);
    assert.equal(found.properties.headers['x-dead-letter-reason'], 'TypeError: cannot read it');
    return found;
  };

  const large = (bytes: number) => ({ headers: { large: 'x'.repeat(bytes), traceparent: 'small' } });
  const properties: [string, object, string][] = [
    ['a header of 70,000 bytes', large(70_000), 'large'],
    ['a header of 9,000 bytes', large(9000), 'large'],
    ['a double whose fraction does not fit', { headers: { double: 2 ** 51 + 0.5 } }, 'double'],
    ['an integer beyond 2^53', { headers: { long: 2 ** 60 } }, 'long'],
    ['a table with a forged type tag', { headers: { table: { '!': 'no such type', value: 1 } } }, 'table'],
    ['a table of tables', { headers: { table: { a: { b: ['c'] } } } }, 'table'],
    ['an array', { headers: { 'x-array': ['a', 1] } }, 'x-array'],
  ];
  for (const [what, sent, omitted] of properties) {
    it(`when it has ${what}, which is omitted`, async () => {
      await send(sent);
      const { properties: found } = await deadLetter();
      assert.equal(found.headers['x-dead-letter-omitted'], omitted);
      assert.ok(!(omitted in found.headers) && !(omitted in found));
      const { traceparent } = (sent as { headers?: { traceparent?: string } }).headers ?? {};
      assert.equal(found.headers['traceparent'], traceparent, 'a header that fits is kept');
    });
  }

  it('when it has 3,000 headers, of which those that fit are kept', async () => {
    const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`header-${index}`, 'value']));
    await send({ headers });
    const { properties: found } = await deadLetter();
    assert.ok(Object.values(found.headers).filter((value) => value === 'value').length > 100);
    assert.ok(JSON.stringify(found.headers).length < 16_384);
  });

  it('when it has plain headers and properties, which are all kept', async () => {
    const headers = { text: 'ä', yes: true, count: -7, large: 2 ** 40, share: 0.25 };
    const plain = {
      type: 'thing.made',
      app_id: 'a',
      content_type: 'text/plain',
      timestamp: 1_700_000_000,
      priority: 3,
    };
    await send({ ...plain, correlation_id: 'c-1', headers });
    const { properties: found } = await deadLetter();
    const { headers: foundHeaders, ...others } = found;
    assert.deepEqual(others, { message_id: 'm-1', correlation_id: 'c-1', ...plain, delivery_mode: 2 });
    assert.deepEqual({ ...foundHeaders, ...headers }, foundHeaders);
  });

  it('when it has a timestamp of 2^64 - 1, which is omitted', async () => {
    change = ({ properties: read }) => Object.assign(read, { timestamp: 2 ** 64 }); // as amqplib reads it
    await send({});
    const { properties: found } = await deadLetter();
    assert.equal(found['timestamp'], undefined);
    assert.equal(found.headers['x-dead-letter-omitted'], 'timestamp');
  });

  for (const name of ['CC', 'BCC']) {
    it(`when it has a ${name} header, which causes no further delivery`, async () => {
      const headers = { [name]: ['made', 'made.dead-letter'] };
      // The handler restores BCC, which the broker removes from a message that arrives over the network.
      change = ({ properties: read }) => Object.assign(read, { headers });
      await send({ headers });
      const { properties: found } = await deadLetter();
      assert.ok(!(name in found.headers));
      await sleep(1000);
      assert.equal(await publisher.depthOf('made.dead-letter'), 0);
    });
  }

  it('when it has NUL in its type, its correlation id, a header and its body', async () => {
    const text = `a${nul}b`;
    await send({ type: text, correlation_id: text, headers: { text, [text]: 'name' } }, `${nul.repeat(4)}\u0007`);
    const { payload, properties: found } = await deadLetter();
    assert.equal(payload, `${nul.repeat(4)}\u0007`);
    assert.deepEqual([found['type'], found['correlation_id'], found.headers['text']], [text, text, text]);
    assert.equal(found.headers[text], 'name');
  });

  it('when its properties and header names grow as they are read as UTF-8', async () => {
    const grown = '\ufffd'.repeat(255); // the result of reading 255 invalid bytes as UTF-8
    change = ({ properties: read }) =>
      Object.assign(read, { type: grown, messageId: grown, correlationId: grown, headers: { [grown]: 'x' } });
    await send({});
    const { properties: found } = await deadLetter();
    assert.equal(found['type'] ?? found['correlation_id'], undefined);
    assert.notEqual(found['message_id'], 'm-1');
    assert.match(String(found.headers['x-dead-letter-omitted']), /correlationId.*messageId.*type/);
  });

  it('when it has a user id and a reply address that the broker does not accept from the consumer', async () => {
    await send({ reply_to: 'amq.rabbitmq.reply-to.g1h2AA', expiration: '600000' });
    change = ({ properties: read }) => Object.assign(read, { userId: 'somebody', replyTo: 'amq.rabbitmq.reply-to' });
    const { properties: found } = await deadLetter();
    assert.deepEqual([found['user_id'], found['reply_to'], found['expiration']], [undefined, undefined, undefined]);
  });
});

describe('a poison message that can never be published to the dead-letter queue', () => {
  let vhost: TestVhost;
  let publisher: Publisher;
  let consumer: Consumer;
  beforeEach(async () => {
    vhost = await createTestVhost();
    publisher = await createPublisher(vhost.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
  });
  afterEach(async () => {
    await consumer.close();
    await publisher.close();
    await vhost.drop();
  });

  const consume = async (change: (message: ConsumeMessage) => void) => {
    const url = vhost.url;
    consumer = await createConsumer({
      ...{ url, name: 'test consumer', topology, queue: 'made', prefetch: 10, publisher },
      ...{ isOutage: () => false, logger: testLogger, log: () => testLogger },
      handle: async (message) => {
        change(message);
        throw new TypeError('cannot read it');
      },
    });
  };
  const send = (content: Buffer) =>
    publisher.publish({
      ...{ exchange: 'things', routingKey: 'thing.made', content },
      properties: { messageId: randomUUID() },
    });
  const rejected = async (): Promise<void> => {
    await eventually('the message is dead-lettered', async () =>
      assert.equal(await publisher.depthOf('made.dead-letter'), 1),
    );
    const [found] = await vhost.take('made.dead-letter');
    assert.equal(found?.properties.headers['x-first-death-reason'], 'rejected');
    assert.equal(await publisher.depthOf('made'), 0);
  };

  it('is rejected and dead-lettered by its queue when it is too large to be published', async () => {
    await consume((message) => Object.assign(message, { content: Buffer.alloc(maxMessageBytes + 1) }));
    await send(Buffer.from('accepted by the broker when its limit was higher'));
    await rejected();
  });

  it('is rejected and dead-lettered by its queue when it cannot be encoded', async () => {
    await consume((message) => Object.assign(message, { content: 'not a buffer' }));
    await send(Buffer.from('poison'));
    await rejected();
  });
});
