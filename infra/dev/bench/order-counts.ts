import type { TestDatabase } from '../testing/test-database.js';

interface Databases {
  readonly ordersDb: TestDatabase;
  readonly processorDb: TestDatabase;
}

/** Counts, for each side, its orders, those that are settled at version 2, and its inbox entries. */
export async function countOnce({ ordersDb, processorDb }: Databases) {
  const orders = await countsOf(
    ordersDb,
    `select /* bench */ count(*) as all, count(*) filter (where status <> 'pending' and version = 2) as settled,
       (select count(*) from inbox) as received
     from orders`,
  );
  const processed = await countsOf(
    processorDb,
    `select /* bench */ count(*) as all, count(*) filter (where version = 2) as settled,
       (select count(*) from inbox) as received
     from processing_states`,
  );
  return { orders, processed };
}

async function countsOf(database: TestDatabase, statement: string): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<Record<string, string>>(statement);
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
}
