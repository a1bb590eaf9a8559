import { ratePerSecond } from '../rate.js';
import { startReference } from '../reference-process.js';
import type { Scenario } from '../scenario.js';
import { createTestDatabase } from '../../testing/test-database.js';
import { measurePairs, ratiosOf } from './pairs.js';

const clients = 100;

/** `accepting`: how fast orders are accepted while everything behind the API is at work. */
export const accepting: Scenario = async (bench) => {
  const database = await createTestDatabase('order-api');
  const reference = await startReference('place-orders', { APP__DB_DSN: database.dsn });
  const system = await bench.system('default');
  const { windowMs } = bench.plan;
  try {
    await reference.run(500);
    const measured = await measurePairs(
      bench,
      'accepting',
      () => reference.run<number>(windowMs),
      async () => {
        const perSecond = await ratePerSecond(clients, windowMs, () => system.place());
        await system.verify();
        return perSecond;
      },
    );
    const target = { atLeast: 0.5 };
    const notes = [`${clients} clients; workflows, messages and outcomes are processed at the same time`];
    return [
      { slug: 'accepting', title: 'accepted POST/s', unit: '1/s', ...measured, ...ratiosOf(measured), target, notes },
    ];
  } finally {
    await reference.stop();
    await database.drop();
  }
};
