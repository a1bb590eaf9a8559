import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConsumeMessage } from 'amqplib';
import { withDeadline } from '../runtime/deadline.js';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { createConsumer, type Consumer } from './consumer.js';
import { createPublisher, type Publisher } from './publisher.js';
import type { Topology } from './topology.js';

const topology: Topology = { exchange: 'things', queues: [{ name: 'made', routingKey: 'thing.made' }] };

class Outage extends Error {}

/** Work that lasts until the test releases it. */
class Gate {
  readonly #released: Promise<void>;
  release!: () => void;
  constructor() {
    this.#released = new Promise((resolve) => (this.release = resolve));
  }
  pass(): Promise<void> {
    return this.#released;
  }
}

describe('a consumer that loses its connection, its queue or its process', () => {
  let vhost: TestVhost;
  let proxy: FaultProxy;
  let publisher: Publisher;
  let consumer: Consumer;
  let begun: string[];
  let finished: string[];
  beforeEach(async () => {
    [begun, finished] = [[], []];
    vhost = await createTestVhost();
    proxy = await createFaultProxy(vhost.url);
    publisher = await createPublisher(vhost.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
  });
  afterEach(async () => {
    await consumer.close();
    await publisher.close();
    await proxy.close();
    await vhost.drop();
  });

  const consume = async (work: (body: string) => Promise<void>) => {
    const handle = async ({ content }: ConsumeMessage): Promise<void> => {
      const body = content.toString();
      begun.push(body);
      await work(body);
      finished.push(body);
    };
    consumer = await createConsumer({
      url: proxy.url,
      name: 'test consumer',
      topology,
      queue: 'made',
      prefetch: 5,
      publisher,
      handle,
      isOutage: (error) => error instanceof Outage,
      logger: testLogger,
      log: () => testLogger,
    });
    await eventually('the consumer is up', () => assert.ok(consumer.isUp()));
  };
  const send = (body: string): Promise<void> =>
    publisher.publish({
      exchange: 'things',
      routingKey: 'thing.made',
      content: Buffer.from(body),
      properties: { messageId: randomUUID() },
    });
  const bodiesIn = async (queue: string): Promise<string[]> => {
    return (await vhost.take(queue)).map(({ payload }) => payload);
  };
  /** Counts over AMQP, since the counts of the management API are some seconds old. */
  const consumersOf = async (queue: string): Promise<number> => {
    const connection = await connect(vhost.url);
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined); // the queue may not exist at the moment
      return (await channel.checkQueue(queue)).consumerCount;
    } finally {
      await connection.close();
    }
  };
  const times = (list: readonly string[], body: string): number => list.filter((entry) => entry === body).length;

  it('handles a message again after its connection is cut in the middle of the work', async () => {
    const gate = new Gate();
    await consume(() => gate.pass());
    await send('a');
    await eventually('the work has begun', () => assert.equal(times(begun, 'a'), 1));
    proxy.reset();
    await eventually('the work has begun again', () => assert.equal(times(begun, 'a'), 2));
    gate.release();
    await eventually('both deliveries are handled', () => assert.equal(times(finished, 'a'), 2));
    await send('b');
    await eventually('the next message is handled', () => assert.equal(times(finished, 'b'), 1));
    await consumer.close();
    assert.deepEqual([await bodiesIn('made'), await bodiesIn('made.dead-letter')], [[], []]);
  });

  it('restarts the attempts of a failing message after its connection is cut, and dead-letters it once', async () => {
    await consume(() => Promise.reject(new Error('it broke')));
    await send('poison');
    await eventually('the message has failed', () => assert.ok(times(begun, 'poison') >= 1));
    proxy.reset();
    await eventually('the message is dead-lettered', async () => {
      const deadLetters = (await vhost.request('GET', 'queues/made.dead-letter')) as { messages?: number };
      assert.equal(deadLetters.messages, 1);
    });
    await consumer.close();
    assert.deepEqual([await bodiesIn('made'), await bodiesIn('made.dead-letter')], [[], ['poison']]);
  });

  it('consumes again after the broker was unavailable', async () => {
    await consume(async () => undefined);
    proxy.down();
    await eventually('the loss is noticed', () => assert.ok(!consumer.isUp()));
    await send('a');
    proxy.restore();
    await eventually('the message is handled', () => assert.equal(times(finished, 'a'), 1));
  });

  it('declares its queue again and consumes it after the queue is deleted', async () => {
    await consume(async () => undefined);
    await vhost.request('DELETE', 'queues/made');
    await eventually('the queue is consumed again', async () => assert.equal(await consumersOf('made'), 1));
    await send('a');
    await eventually('the message is handled', () => assert.equal(times(finished, 'a'), 1));
  });

  it('consumes its queue again when it is deleted while messages are published', async () => {
    await consume(async () => undefined);
    await vhost.request('DELETE', 'queues/made');
    await eventually('a message gets through', async () => {
      await send('a');
      assert.ok(times(finished, 'a') > 0, 'nothing was consumed');
    });
  });

  it('waits for the message in flight when it closes, acknowledges it, and takes no other', async () => {
    const gate = new Gate();
    await consume(() => gate.pass());
    await send('a');
    await eventually('the work has begun', () => assert.equal(times(begun, 'a'), 1));
    let closed = false;
    const closing = consumer.close().then(() => (closed = true));
    // The consumer is cancelled by then. A quorum queue counts it until its last message is acknowledged.
    await sleep(500);
    await send('too late');
    assert.equal(closed, false);
    gate.release();
    await closing;
    assert.deepEqual(finished, ['a']);
    assert.deepEqual(await bodiesIn('made'), ['too late']);
  });

  it('closes during an outage and leaves its message to the next instance', async () => {
    await consume(() => Promise.reject(new Outage('the database is unavailable')));
    await send('a');
    await eventually('the message waits', () => assert.ok(times(begun, 'a') >= 1));
    await withDeadline('closing', 15_000, consumer.close());
    assert.deepEqual([await bodiesIn('made'), await bodiesIn('made.dead-letter')], [['a'], []]);
  });

  it('may be closed twice', async () => {
    await consume(async () => undefined);
    await consumer.close();
    await consumer.close();
    assert.equal(consumer.isUp(), false);
  });

  it('closes even when the broker is frozen', async () => {
    await consume(async () => undefined);
    proxy.freeze();
    await withDeadline('closing', 10_000, consumer.close()).finally(() => proxy.restore());
  });
});
