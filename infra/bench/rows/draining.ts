import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../testing/eventually.js';
import { createTestDatabase } from '../../testing/test-database.js';
import { startReference } from '../reference-process.js';
import type { Row } from '../row.js';
import type { BenchSystem } from '../system.js';
import { placeMany } from '../load.js';
import { measurePairs, ratioOf } from './pairs.js';

const clients = 100;
const fillLimitMs = 300_000;
const pollMs = 20;

/** Row 7: the processor alone works off what has piled up while it was away. */
export const draining: Row = async (bench) => {
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
    const title = 'drain of waiting order.created, messages/s';
    const notes = [
      `${each} orders each time, ${each * plan.pairs} in all; the order API is stopped meanwhile, workflows are signalled`,
    ];
    const ratio = ratioOf(measured);
    return [{ number: 7, title, unit: '1/s', ...measured, ratio, target: { atLeast: 1.5 }, notes }];
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
  const processed = async (): Promise<number> => {
    const { rows } = await system.processorDb.pool.query<{ count: string }>('select count(*) from inbox');
    return Number(rows[0]?.count);
  };
  const before = await processed();
  const starting = system.startService('processor');
  let [first, last] = [0, 0];
  for (const end = Date.now() + fillLimitMs; Date.now() < end;) {
    await sleep(pollMs);
    const done = (await processed()) - before;
    if (done > 0) first ||= performance.now();
    last = performance.now();
    if (done === count) break;
  }
  await starting;
  await system.startService('order-api');
  await system.verify();
  return (count * 1000) / (last - first);
}
