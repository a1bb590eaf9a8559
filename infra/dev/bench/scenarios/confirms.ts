import { startReference } from '../reference-process.js';
import type { Scenario } from '../scenario.js';
import { createTestVhost } from '../../testing/test-vhost.js';
import { orderCreated } from '../../../../workflows/order-events.js';
import { measurePairs, ratiosOf } from './pairs.js';

const maxWindowMs = 3000;

/** `confirms`: the cost of what the publisher adds to amqplib: mandatory, a deadline for each message, bookkeeping. */
export const confirms: Scenario = async (bench) => {
  const vhost = await createTestVhost();
  const env = { APP__RABBITMQ_URL: vhost.url };
  const subject = await startReference('confirms', { ...env, CONFIRMS_THROUGH: 'publisher' });
  const bare = await startReference('confirms', { ...env, CONFIRMS_THROUGH: 'amqplib' });
  const windowMs = Math.min(bench.plan.windowMs, maxWindowMs);
  const run = async (process: typeof subject): Promise<number> => {
    const perSecond = await process.run<number>(windowMs);
    await vhost.request('DELETE', `queues/${orderCreated.queue}/contents`);
    return perSecond;
  };
  try {
    for (const each of [bare, subject]) await run(each);
    const measured = await measurePairs(
      bench,
      'confirms',
      () => run(bare),
      () => run(subject),
    );
    const notes = ['200 messages of 400 bytes in flight, persistent, quorum queue'];
    const target = { atLeast: 0.85 };
    return [
      {
        slug: 'confirms',
        title: 'confirms/s, relative to bare amqplib',
        unit: '1/s',
        ...measured,
        ...ratiosOf(measured),
        target,
        notes,
      },
    ];
  } finally {
    await Promise.all([subject.stop(), bare.stop()]);
    await vhost.drop();
  }
};
