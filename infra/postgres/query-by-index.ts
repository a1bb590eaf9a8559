import type pg from 'pg';
import type { Queryable } from './pool.js';

/** The settings under which `queryByIndex` plans a statement; exported for tests that inspect the plan. */
export const byIndex = 'set local enable_seqscan = off; set local enable_bitmapscan = off;';

/**
 * Runs a statement that wants the first rows in the order of an index, such as those that are due or those that are
 * oldest, and makes Postgres use the index. Otherwise Postgres may read and sort all rows, just when a backlog has
 * grown that its statistics do not know yet and that it takes for a handful (measured with 300,000 waiting rows and the
 * statistics of empty tables: it read all of them to claim 200, in 150 ms each time instead of 4 ms).
 *
 * The settings and the statement travel in one message, which takes one round trip, is one transaction, and cannot have
 * parameters. Use it only for statements that consist of constant text and numbers.
 */
export async function queryByIndex<Row extends pg.QueryResultRow>(
  db: Queryable,
  statement: string,
): Promise<pg.QueryResult<Row>> {
  const results = (await db.query<Row>(byIndex + statement)) as unknown as pg.QueryResult<Row>[];
  const last = results.at(-1);
  if (!last) throw new Error('Postgres returned no result');
  return last;
}
