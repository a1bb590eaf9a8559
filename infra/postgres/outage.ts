import pg from 'pg';

/**
 * SQLSTATE classes and codes that say "the server is not able to right now" and nothing about the statement:
 * connection exceptions (08), insufficient resources (53), operator intervention (57P), serialization failure and
 * deadlock (40001, 40P01), statement timeout (57014), lock timeout (55P03), idle-in-transaction timeout (25P03),
 * system error (58), read-only server during a failover (25006). Source: PostgreSQL documentation, appendix A.
 */
const outageStates = /^(08...|53...|57P..|57014|40001|40P01|55P03|25P03|25006|58...)$/;

const outageErrnos = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EHOSTDOWN)/;

/** node-postgres gives these without a code; the wording is that of pg 8.23 and pg-pool 3. */
const outageMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support|Cannot use a pool after)/;

/**
 * True when `error` says that Postgres is away or overloaded: the same call can succeed later, unchanged.
 * False for everything else, so an unknown error counts as a fault of the message or of the code.
 */
export function isPostgresOutage(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isPostgresOutage);
  if (error instanceof pg.DatabaseError) return outageStates.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return outageErrnos.test((error as NodeJS.ErrnoException).code ?? '') || outageMessages.test(error.message);
}
