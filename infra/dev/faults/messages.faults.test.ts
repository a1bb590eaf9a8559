import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, type ConfirmChannel, type Options } from 'amqplib';
import fc from 'fast-check';
import { anOrder } from '../e2e/system.js';
import { eventually } from '../testing/eventually.js';
import { publishedEvent } from '../testing/published-event.js';
import { FaultRun } from './fault-run.js';
import { fault, seed } from './selection.js';

const toProcessor = 'processor.order-created';
const toOrderApi = 'order-api.order-processed';
const deadLetterLimitMs = 120_000;

describe('messages', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());
  afterEach(async () => {
    for (const queue of [toProcessor, toOrderApi])
      await run.system.vhost.request('DELETE', `queues/${queue}.dead-letter/contents`);
  });

  async function send(
    queue: string,
    bodies: readonly (string | Buffer)[],
    properties: Options.Publish = {},
  ): Promise<void> {
    const model = await connect(run.system.vhost.url);
    try {
      const channel: ConfirmChannel = await model.createConfirmChannel();
      for (const body of bodies)
        channel.sendToQueue(queue, Buffer.from(body), { persistent: true, messageId: randomUUID(), ...properties });
      await channel.waitForConfirms();
    } finally {
      await model.close();
    }
  }

  /** Waits until exactly this many messages are dead-lettered, after their attempts are used up. */
  async function expectDeadLettered(queue: string, count: number): Promise<void> {
    await eventually(
      `${count} messages are dead-lettered`,
      async () => {
        const { messages } = (await run.system.vhost.request('GET', `queues/${queue}.dead-letter`)) as {
          messages?: number;
        };
        assert.equal(messages, count);
      },
      deadLetterLimitMs,
    );
  }

  function envelope(type: string, dataversion: string, data: object): string {
    const { order_id: subject } = data as { order_id?: string };
    const time = new Date().toISOString();
    return JSON.stringify({
      specversion: '1.0',
      id: randomUUID(),
      source: 'test',
      type,
      subject,
      time,
      dataversion,
      data,
    });
  }
  const created = (order: { order_id: string }, more = {}) =>
    envelope('order.created', '1', { ...order, total_amount: 1200, version: 1, ...more });

  /** Each of these is dead-lettered and affects no other message. */
  const unreadable: Readonly<Record<string, () => string | Buffer>> = {
    'that are not JSON': () => '{"order_id": ',
    'that are empty': () => '',
    'that are not text': () => Buffer.from([0, 255, 254, 192, 128]),
    'of an unknown type': () => envelope('order.cancelled', '1', anOrder()),
    'of an unknown version': () => envelope('order.created', '2', anOrder()),
    'of 1 MiB': () => created(anOrder({ customer_id: 'x'.repeat(2 ** 20 - 1024) })), // the broker accepts no more
    'that contain SQL': () => created(anOrder({ order_id: "'; drop table orders; --\u0000" })),
    'that try to change the prototype': () => `{"__proto__":{"specversion":"1.0"},"constructor":{"prototype":{"x":1}}}`,
    'that are nested 100,000 deep': () => '['.repeat(100_000),
  };
  for (const [which, body] of Object.entries(unreadable)) {
    fault(
      `${which} are dead-lettered and hold up no other message`,
      { quick: which === 'that are not JSON' },
      async () => {
        await run.survives({
          what: `messages ${which}`,
          mayDeadLetter: true,
          inject: async () => {
            await send(toProcessor, [body(), body()]);
            await expectDeadLettered(toProcessor, 2);
          },
        });
      },
    );
  }

  fault('with hostile text where text is allowed do no harm', {}, async () => {
    const text = `'); drop table orders; -- \ud83d\ude00 <script>alert(1)</script> \${jndi:ldap://x} %s {{x}} ../../etc`;
    await run.survives({
      what: 'orders with hostile text',
      inject: async () => {
        const selling = (sku: string) => anOrder({ items: [{ sku, quantity: 1, price: 1 }] });
        const order = selling(text);
        assert.equal((await run.system.post(order)).status, 201);
        assert.deepEqual((await run.system.settled(order.order_id))['items'], order.items);
        for (const unprintable of ['\u0000', '\u0007', '\u001b[31m', '\u202e']) {
          assert.equal((await run.system.post(selling(text + unprintable))).status, 422);
        }
        assert.equal((await run.system.post(anOrder({ customer_id: text }))).status, 422);
      },
    });
  });

  fault('that arrive 100 times, at both services at the same instant, take effect once', { quick: true }, async () => {
    await run.survives({
      what: 'each message 100 times',
      inject: async () => {
        const order = anOrder();
        await run.system.post(order);
        await run.system.settled(order.order_id);
        const { body: ours } = await publishedEvent(run.system.ordersDb.pool, order.order_id);
        const { body: theirs } = await publishedEvent(run.system.processorDb.pool, order.order_id);
        await Promise.all([
          send(
            toProcessor,
            Array.from({ length: 100 }, () => ours),
          ),
          send(
            toOrderApi,
            Array.from({ length: 100 }, () => theirs),
          ),
        ]);
      },
    });
  });

  fault('that arrive late or in the wrong order change no settled order', {}, async () => {
    const forged: string[] = [];
    const outcomeEvent = (orderId: string, status: 'done' | 'failed', version: number): string => {
      const data = { order_id: orderId, status, version, ...(status === 'failed' && { reason: 'late' }) };
      const event = envelope('order.processed', '1', data);
      forged.push((JSON.parse(event) as { id: string }).id);
      return event;
    };
    const anOutcome = fc.record({
      status: fc.constantFrom('done' as const, 'failed' as const),
      version: fc.integer({ min: 1, max: 5 }),
    });
    const someOutcomes = fc.uniqueArray(anOutcome, { selector: ({ version }) => version });
    const changeNothing = fc.asyncProperty(someOutcomes, async (outcomes) => {
      const order = anOrder();
      await run.system.post(order);
      const settled = await run.system.settled(order.order_id);
      await send(
        toOrderApi,
        outcomes.map(({ status, version }) => outcomeEvent(order.order_id, status, version)),
      );
      const consumedVersions = new Set([Number(settled['version']), ...outcomes.map(({ version }) => version)]);
      await eventually('all are consumed', async () => {
        const { rowCount } = await run.system.ordersDb.pool.query('select from inbox where aggregate_id = $1', [
          order.order_id,
        ]);
        assert.equal(rowCount, consumedVersions.size);
      });
      assert.deepEqual((await run.system.get(order.order_id)).body, settled);
    });
    await run.survives({
      what: 'outcomes that are stale, in the wrong order or contradict one another',
      inject: async () => {
        await fc.assert(changeNothing, { seed, numRuns: 10 });
        // The processor never sent these, which verify would rightly report.
        await run.system.ordersDb.pool.query('delete from inbox where message_id::text = any($1)', [forged]);
      },
    });
  });

  fault(
    'with 10,000 random bodies are all dead-lettered while orders keep settling',
    { limitMs: 400_000 },
    async () => {
      const bodies = fc.sample(
        fc.oneof(
          fc.json(),
          fc.string({ unit: 'binary' }),
          fc.anything().map((value) => String(JSON.stringify(value) as unknown)),
        ),
        { seed, numRuns: 10_000 },
      );
      await run.survives({
        what: `10,000 random messages (seed ${seed})`,
        mayDeadLetter: true,
        settleLimitMs: 180_000,
        inject: async () => {
          await send(toProcessor, bodies.slice(0, 5000));
          await send(toOrderApi, bodies.slice(5000));
          await Promise.all([expectDeadLettered(toProcessor, 5000), expectDeadLettered(toOrderApi, 5000)]);
        },
      });
    },
  );
});
