import type { TestDatabase } from '../testing/test-database.js';
import type { TestNamespace } from '../testing/test-namespace.js';

interface Databases {
  readonly ordersDb: TestDatabase;
  readonly processorDb: TestDatabase;
}

/** What is still under way, in words; empty when nothing is. Served by the partial indexes, however many orders there are. */
export async function hasOpenWork(databases: Databases & { readonly temporal: TestNamespace }): Promise<string[]> {
  if (await hasOpenRows(databases)) return ['orders or messages'];
  const { count } = await databases.temporal.client.workflow.count('ExecutionStatus="Running"');
  return count > 0 ? [`${count} workflows`] : [];
}

/** True while an order is pending, or an event unpublished on either side. */
export async function hasOpenRows({ ordersDb, processorDb }: Databases): Promise<boolean> {
  const { rows: pending } = await ordersDb.pool.query(`select /* bench */ from orders where version = 1 limit 1`);
  const messages = await Promise.all([ordersDb, processorDb].map(openMessagesIn));
  return pending.length > 0 || messages.some((open) => open);
}

async function openMessagesIn({ pool }: TestDatabase): Promise<boolean> {
  const { rows } = await pool.query<{ open: boolean }>(
    `select /* bench */
       exists (select from outbox where published_at is null and attempts >= 0) as open`,
  );
  return rows[0]?.open ?? true;
}

/** How many orders there are on either side, how many of them are settled at version 2, and how many inbox entries. */
export async function countOnce({ ordersDb, processorDb }: Databases) {
  const orders = await countsOf(
    ordersDb,
    `select /* bench */ count(*) as all, count(*) filter (where status <> 'pending' and version = 2) as settled,
       (select count(*) from inbox) as answered
     from orders`,
  );
  const processed = await countsOf(
    processorDb,
    `select /* bench */ count(*) as all, count(*) filter (where version = 2) as settled,
       (select count(*) from inbox) as answered
     from processing_states`,
  );
  return { orders, processed };
}

async function countsOf(database: TestDatabase, statement: string): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<Record<string, string>>(statement);
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
}
