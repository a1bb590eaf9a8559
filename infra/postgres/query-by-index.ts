import type pg from 'pg';
import type { Queryable } from './pool.js';

/** For a plan that is to be looked at as `queryByIndex` would get it. */
export const byIndex = 'set local enable_seqscan = off; set local enable_bitmapscan = off;';

/**
 * Runs a statement for which an index has the rows in the order in which it wants the first of them: what is due, what is
 * oldest. Left to the statistics, Postgres may read and sort all that there is, just when a backlog has come up that they
 * do not know of: to it that looks like a handful (measured with 300,000 rows that wait and statistics of empty tables: all
 * of them read to claim 200, 150 ms each time instead of 4).
 *
 * One message with several statements is one round trip and one transaction, and takes no parameters; so this is for
 * statements that are made of text and numbers of our own.
 */
export async function queryByIndex<Row extends pg.QueryResultRow>(
  db: Queryable,
  statement: string,
): Promise<pg.QueryResult<Row>> {
  const results = (await db.query<Row>(byIndex + statement)) as unknown as pg.QueryResult<Row>[];
  const last = results.at(-1);
  if (!last) throw new Error('Postgres answered no statement');
  return last;
}
