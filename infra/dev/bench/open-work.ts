import type { TestDatabase } from '../testing/test-database.js';
import type { TestNamespace } from '../testing/test-namespace.js';

interface Databases {
  readonly ordersDb: TestDatabase;
  readonly processorDb: TestDatabase;
}

/**
 * Describes the work that is still open; an empty list means there is none. Partial indexes serve its queries, so they
 * stay cheap however many orders there are.
 */
export async function hasOpenWork(databases: Databases & { readonly temporal: TestNamespace }): Promise<string[]> {
  if (await hasOpenRows(databases)) return ['orders or messages'];
  const { count } = await databases.temporal.client.workflow.count('ExecutionStatus="Running"');
  return count > 0 ? [`${count} workflows`] : [];
}

/** True while any order is pending or any event is unpublished, on either side. */
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
