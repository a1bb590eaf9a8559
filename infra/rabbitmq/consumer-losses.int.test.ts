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

/** Work that goes on until it is released. */
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

describe('consumer, when connections, queues and processes go', () => {
  let vhost: TestVhost;
  let link: FaultProxy;
  let publisher: Publisher;
  let consumer: Consumer;
  let begun: string[];
  let finished: string[];
  beforeEach(async () => {
    [begun, finished] = [[], []];
    vhost = await createTestVhost();
    link = await createFaultProxy(vhost.url);
    publisher = await createPublisher(vhost.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
  });
  afterEach(async () => {
    await consumer.close();
    await publisher.close();
    await link.close();
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
      url: link.url,
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
  /** Asked over AMQP: what the management API shows is some seconds old. */
  const consumersOf = async (queue: string): Promise<number> => {
    const connection = await connect(vhost.url);
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined); // there is no such queue, for now
      return (await channel.checkQueue(queue)).consumerCount;
    } finally {
      await connection.close();
    }
  };
  const times = (list: readonly string[], body: string): number => list.filter((entry) => entry === body).length;

  it('a message whose connection is cut in the middle of its work comes again, and is done', async () => {
    const gate = new Gate();
    await consume(() => gate.pass());
    await send('a');
    await eventually('the work has begun', () => assert.equal(times(begun, 'a'), 1));
    link.reset();
    await eventually('the work has begun again', () => assert.equal(times(begun, 'a'), 2));
    gate.release();
    await eventually('both are done', () => assert.equal(times(finished, 'a'), 2));
    await send('b');
    await eventually('the next one is done', () => assert.equal(times(finished, 'b'), 1));
    await consumer.close();
    assert.deepEqual([await bodiesIn('made'), await bodiesIn('made.dead-letter')], [[], []]);
  });

  it('a message that was failing when its connection was cut starts its attempts anew, and is parked once', async () => {
    await consume(() => Promise.reject(new Error('it broke')));
    await send('poison');
    await eventually('it has failed', () => assert.ok(times(begun, 'poison') >= 1));
    link.reset();
    await eventually('it is parked', async () => {
      const parked = (await vhost.request('GET', 'queues/made.dead-letter')) as { messages?: number };
      assert.equal(parked.messages, 1);
    });
    await consumer.close();
    assert.deepEqual([await bodiesIn('made'), await bodiesIn('made.dead-letter')], [[], ['poison']]);
  });

  it('a broker that is away for a while is consumed from again', async () => {
    await consume(async () => undefined);
    link.down();
    await eventually('the loss is noticed', () => assert.ok(!consumer.isUp()));
    await send('a');
    link.restore();
    await eventually('it is done', () => assert.equal(times(finished, 'a'), 1));
  });

  it('a queue that is deleted under the consumer is declared again and consumed', async () => {
    await consume(async () => undefined);
    await vhost.request('DELETE', 'queues/made');
    await eventually('it is consumed again', async () => assert.equal(await consumersOf('made'), 1));
    await send('a');
    await eventually('it is done', () => assert.equal(times(finished, 'a'), 1));
  });

  it('a queue that is deleted while messages are published is consumed again', async () => {
    await consume(async () => undefined);
    await vhost.request('DELETE', 'queues/made');
    await eventually('a message gets through', async () => {
      await send('a');
      assert.ok(times(finished, 'a') > 0, 'nothing was consumed');
    });
  });

  it('a close waits for the message under way, which is acknowledged, and takes no further one', async () => {
    const gate = new Gate();
    await consume(() => gate.pass());
    await send('a');
    await eventually('the work has begun', () => assert.equal(times(begun, 'a'), 1));
    let closed = false;
    const closing = consumer.close().then(() => (closed = true));
    await sleep(500); // the consumer is cancelled by then; a quorum queue counts it until its last message is settled
    await send('too late');
    assert.equal(closed, false);
    gate.release();
    await closing;
    assert.deepEqual(finished, ['a']);
    assert.deepEqual(await bodiesIn('made'), ['too late']);
  });

  it('a close does not wait for ever for an outage to end; the message is left to the next instance', async () => {
    await consume(() => Promise.reject(new Outage('the database is away')));
    await send('a');
    await eventually('it waits', () => assert.ok(times(begun, 'a') >= 1));
    await withDeadline('closing', 15_000, consumer.close());
    assert.deepEqual([await bodiesIn('made'), await bodiesIn('made.dead-letter')], [['a'], []]);
  });

  it('may be closed twice', async () => {
    await consume(async () => undefined);
    await consumer.close();
    await consumer.close();
    assert.equal(consumer.isUp(), false);
  });

  it('closes even when the broker froze', async () => {
    await consume(async () => undefined);
    link.freeze();
    await withDeadline('closing', 10_000, consumer.close()).finally(() => link.restore());
  });
});
