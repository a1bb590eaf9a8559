import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../testing/eventually.js';
import { createTestDatabase } from '../../testing/test-database.js';
import { startReference } from '../reference-process.js';
import type { Scenario } from '../scenario.js';
import type { BenchSystem } from '../system.js';
import { placeMany } from '../load.js';
import { measurePairs, ratiosOf } from './pairs.js';

const clients = 100;
const fillLimitMs = 300_000;
const pollMs = 100;

/** `draining`: the processor alone works off the backlog that built up while it was down. */
export const draining: Scenario = async (bench) => {
  const database = await createTestDatabase('processor');
  const reference = await startReference('process-orders', { APP__DB_DSN: database.dsn });
  const { plan } = bench;
  const system = await bench.system('default');
  const each = Math.ceil(plan.drainSize / plan.pairs);
  try {
    await reference.run(500);
    const measured = await measurePairs(
      bench,
      'draining',
      () => reference.run<number>(plan.windowMs),
      () => drain(system, each),
    );
    const title = 'queued order.created messages processed/s';
    const notes = [
      `${each} orders in each run, ${each * plan.pairs} in total; the order API is stopped meanwhile, and outcomes are published`,
    ];
    return [
      { slug: 'draining', title, unit: '1/s', ...measured, ...ratiosOf(measured), target: { atLeast: 1.5 }, notes },
    ];
  } finally {
    await reference.stop();
    await database.drop();
  }
};

async function drain(system: BenchSystem, count: number): Promise<number> {
  await system.stopService('processor');
  await placeMany(system, clients, count);
  await eventually(
    'all orders are in the queue',
    async () => {
      const { rowCount } = await system.ordersDb.pool.query('select from outbox where published_at is null limit 1');
      assert.equal(rowCount, 0);
    },
    fillLimitMs,
  );
  await system.stopService('order-api');
  const before = await countProcessed(system);
  const starting = system.startService('processor');
  for (const end = Date.now() + fillLimitMs; Date.now() < end;) {
    await sleep(pollMs);
    if ((await countProcessed(system)) - before === count) break;
  }
  await starting;
  const perSecond = await rateOfLast(system, count);
  await system.startService('order-api');
  await system.verify();
  return perSecond;
}

async function countProcessed({ processorDb }: BenchSystem): Promise<number> {
  const { rows } = await processorDb.pool.query<{ count: string }>('select count(*) from inbox');
  return Number(rows[0]?.count);
}

/**
 * Computes the rate from the times in the rows, so that no query disturbs the measurement. Each time is the start of
 * its row's transaction. The rows of the first transaction do not count, just as the time before it does not.
 */
async function rateOfLast({ processorDb }: BenchSystem, count: number): Promise<number> {
  const { rows } = await processorDb.pool.query<{ rate: string }>(
    `with drained as (select received_at from inbox order by received_at desc limit $1),
          bounds as (select min(received_at) as first, max(received_at) as last from drained)
     select count(*) / extract(epoch from (select last - first from bounds)) as rate
     from drained
     where received_at > (select first from bounds)`,
    [count],
  );
  return Number(rows[0]?.rate);
}
