import { startReference } from '../reference-process.js';
import type { Row } from '../row.js';
import { createTestVhost } from '../../testing/test-vhost.js';
import { orderCreated } from '../../../../workflows/order-events.js';
import { measurePairs, ratiosOf } from './pairs.js';

const longestWindowMs = 3000;

/** Row 6: what our publisher adds to amqplib: mandatory, a deadline for each message, and their bookkeeping. */
export const confirms: Row = async (bench) => {
  const vhost = await createTestVhost();
  const env = { APP__RABBITMQ_URL: vhost.url };
  const ours = await startReference('confirms', { ...env, CONFIRMS_THROUGH: 'us' });
  const bare = await startReference('confirms', { ...env, CONFIRMS_THROUGH: 'amqplib' });
  const windowMs = Math.min(bench.plan.windowMs, longestWindowMs);
  const run = async (process: typeof ours): Promise<number> => {
    const perSecond = await process.run<number>(windowMs);
    await vhost.request('DELETE', `queues/${orderCreated.queue}/contents`);
    return perSecond;
  };
  try {
    for (const each of [bare, ours]) await run(each);
    const measured = await measurePairs(
      bench,
      'confirms',
      () => run(bare),
      () => run(ours),
    );
    const notes = ['200 messages of 400 bytes in flight, persistent, quorum queue'];
    const target = { atLeast: 0.85 };
    return [
      {
        number: 6,
        title: 'confirms/s, to bare amqplib',
        unit: '1/s',
        ...measured,
        ...ratiosOf(measured),
        target,
        notes,
      },
    ];
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
    await vhost.drop();
  }
};
