import pg from 'pg';

/** Postgres could not be reached or refused the login. This says nothing about the statement that was to run. */
export class PostgresUnavailable extends Error {
  override readonly name = 'PostgresUnavailable';
  /** The code of the reason, such as 28P01 or ECONNREFUSED, so that a log line shows it. */
  readonly code: unknown;

  constructor(reason: unknown) {
    const message = reason instanceof Error ? reason.message : String(reason);
    super(`Postgres is unavailable: ${message}`, { cause: reason });
    this.code = (reason as { code?: unknown } | null | undefined)?.code;
  }
}

/**
 * The SQLSTATEs that blame the data or the statement: cardinality violation (21), data exception (22), integrity
 * constraint violation (23), `with check option` violation (44), program limit exceeded (54, such as a row too large
 * for an index or a value nested too deep), and exceptions that a trigger raises (P0). The same statement with the same
 * data fails again. So does one with a syntax error (42601), which is a bug in this code. Every other state concerns
 * the server, the privileges of the role, or a schema that is being changed. Source: PostgreSQL documentation,
 * appendix A.
 */
const statementStates = /^(21|22|23|44|54|P0|42601)/;

/** The error codes of sockets, TLS sessions and processes without free file descriptors. */
const connectionCodes =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|EADDRNOTAVAIL|EMFILE|ENFILE|ENOBUFS|EPROTO|ERR_TLS_|ERR_SSL_|ERR_SOCKET_CLOSED|ERR_STREAM_DESTROYED|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/;

/** node-postgres throws these errors without a code. The wording is that of pg 8.23 and pg-pool 3. */
const connectionMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support|Cannot use a pool after)/;

/**
 * Returns true if `error` means that Postgres is unavailable for now, whatever the reason: the same call can succeed
 * later, unchanged. Returns false for errors that the data or this code causes. An unknown error that does not come
 * from the database therefore counts against the message or the code.
 */
export function isPostgresOutage(error: unknown): boolean {
  if (error instanceof PostgresUnavailable) return true;
  if (error instanceof AggregateError) return error.errors.some(isPostgresOutage);
  if (error instanceof pg.DatabaseError) return !statementStates.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return connectionCodes.test(String((error as NodeJS.ErrnoException).code)) || connectionMessages.test(error.message);
}
