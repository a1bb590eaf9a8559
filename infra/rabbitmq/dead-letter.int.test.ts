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

describe('a message that fails by itself is dead-lettered once with its reason,', () => {
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

  /** Through the management API, since amqplib cannot write all that it can read. */
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
    await eventually('it is dead-lettered', async () => assert.equal(await publisher.depthOf('made.dead-letter'), 1));
    const [found, ...others] = await vhost.take('made.dead-letter');
    assert.ok(found && others.length === 0);
    assert.equal(await publisher.depthOf('made'), 0);
    assert.equal(found.properties.headers['x-dead-letter-reason'], 'TypeError: cannot read it');
    return found;
  };

  const large = (bytes: number) => ({ headers: { large: 'x'.repeat(bytes), traceparent: 'small' } });
  const properties: [string, object, string][] = [
    ['with 70,000 bytes in one header', large(70_000), 'large'],
    ['with 9,000 bytes in one header', large(9000), 'large'],
    ['with a double that is too large for its fraction', { headers: { double: 2 ** 51 + 0.5 } }, 'double'],
    ['with an integer beyond 2^53', { headers: { long: 2 ** 60 } }, 'long'],
    ['with a table that pretends to name a type', { headers: { table: { '!': 'no such type', value: 1 } } }, 'table'],
    ['with a table of tables', { headers: { table: { a: { b: ['c'] } } } }, 'table'],
    ['with an array', { headers: { 'x-array': ['a', 1] } }, 'x-array'],
  ];
  for (const [what, sent, omitted] of properties) {
    it(`${what}, which is left out`, async () => {
      await send(sent);
      const { properties: found } = await deadLetter();
      assert.equal(found.headers['x-dead-letter-omitted'], omitted);
      assert.ok(!(omitted in found.headers) && !(omitted in found));
      const { traceparent } = (sent as { headers?: { traceparent?: string } }).headers ?? {};
      assert.equal(found.headers['traceparent'], traceparent, 'what fits is carried along');
    });
  }

  it('with 3,000 headers, of which those that fit are carried along', async () => {
    const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`header-${index}`, 'value']));
    await send({ headers });
    const { properties: found } = await deadLetter();
    assert.ok(Object.values(found.headers).filter((value) => value === 'value').length > 100);
    assert.ok(JSON.stringify(found.headers).length < 16_384);
  });

  it('with plain headers and properties, which are all carried along', async () => {
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

  it('with a timestamp of 2^64 - 1, which is left out', async () => {
    change = ({ properties: read }) => Object.assign(read, { timestamp: 2 ** 64 }); // as it is read
    await send({});
    const { properties: found } = await deadLetter();
    assert.equal(found['timestamp'], undefined);
    assert.equal(found.headers['x-dead-letter-omitted'], 'timestamp');
  });

  for (const name of ['CC', 'BCC']) {
    it(`with a ${name} header, by which it is not delivered once more`, async () => {
      const headers = { [name]: ['made', 'made.dead-letter'] };
      change = ({ properties: read }) => Object.assign(read, { headers }); // BCC from the network does not get this far
      await send({ headers });
      const { properties: found } = await deadLetter();
      assert.ok(!(name in found.headers));
      await sleep(1000);
      assert.equal(await publisher.depthOf('made.dead-letter'), 0);
    });
  }

  it('with NUL in its type, its correlation id, a header and its body', async () => {
    const text = `a${nul}b`;
    await send({ type: text, correlation_id: text, headers: { text, [text]: 'name' } }, `${nul.repeat(4)}\u0007`);
    const { payload, properties: found } = await deadLetter();
    assert.equal(payload, `${nul.repeat(4)}\u0007`);
    assert.deepEqual([found['type'], found['correlation_id'], found.headers['text']], [text, text, text]);
    assert.equal(found.headers[text], 'name');
  });

  it('with properties and names of headers that grow when they are read as UTF-8', async () => {
    const grown = '\ufffd'.repeat(255); // what 255 bytes that are not UTF-8 are read as
    change = ({ properties: read }) =>
      Object.assign(read, { type: grown, messageId: grown, correlationId: grown, headers: { [grown]: 'x' } });
    await send({});
    const { properties: found } = await deadLetter();
    assert.equal(found['type'] ?? found['correlation_id'], undefined);
    assert.notEqual(found['message_id'], 'm-1');
    assert.match(String(found.headers['x-dead-letter-omitted']), /correlationId.*messageId.*type/);
  });

  it('with the id of a user and an address for answers that the broker does not accept from us', async () => {
    await send({ reply_to: 'amq.rabbitmq.reply-to.g1h2AA', expiration: '600000' });
    change = ({ properties: read }) => Object.assign(read, { userId: 'somebody', replyTo: 'amq.rabbitmq.reply-to' });
    const { properties: found } = await deadLetter();
    assert.deepEqual([found['user_id'], found['reply_to'], found['expiration']], [undefined, undefined, undefined]);
  });
});

describe('a message that fails by itself and can never be published to the dead-letter queue', () => {
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
    await eventually('it is dead-lettered', async () => assert.equal(await publisher.depthOf('made.dead-letter'), 1));
    const [found] = await vhost.take('made.dead-letter');
    assert.equal(found?.properties.headers['x-first-death-reason'], 'rejected');
    assert.equal(await publisher.depthOf('made'), 0);
  };

  it('is rejected, and the queue dead-letters it: one that is larger than we may publish', async () => {
    await consume((message) => Object.assign(message, { content: Buffer.alloc(maxMessageBytes + 1) }));
    await send(Buffer.from('one that the broker took when it was allowed to be larger'));
    await rejected();
  });

  it('is rejected, and the queue dead-letters it: one that cannot be encoded', async () => {
    await consume((message) => Object.assign(message, { content: 'no buffer' }));
    await send(Buffer.from('poison'));
    await rejected();
  });
});
