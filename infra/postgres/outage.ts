import pg from 'pg';

/** Postgres could not be connected to, or refused the login: that says nothing about what was to be asked. */
export class PostgresUnavailable extends Error {
  override readonly name = 'PostgresUnavailable';
  /** The reason's own code, such as 28P01 or ECONNREFUSED, so that a log line has it. */
  readonly code: unknown;

  constructor(reason: unknown) {
    const message = reason instanceof Error ? reason.message : String(reason);
    super(`Postgres is unavailable: ${message}`, { cause: reason });
    this.code = (reason as { code?: unknown } | null | undefined)?.code;
  }
}

/**
 * SQLSTATEs that speak of the data or of the statement: cardinality violation (21), data exception (22), integrity
 * constraint violation (23), `with check option` violation (44), program limit exceeded (54: a row too large for an
 * index, a value nested too deep), and what a trigger raises by itself (P0). The same statement with the same data fails
 * again; so does one with a syntax error (42601), which is a bug of ours. Every other state speaks of the server, of what
 * the role may do, or of a schema that is being changed. Source: PostgreSQL documentation, appendix A.
 */
const statesOfTheStatement = /^(21|22|23|44|54|P0|42601)/;

/** What a socket, a TLS session or a process without free descriptors says of itself. */
const connectionCodes =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|EADDRNOTAVAIL|EMFILE|ENFILE|ENOBUFS|EPROTO|ERR_TLS_|ERR_SSL_|ERR_SOCKET_CLOSED|ERR_STREAM_DESTROYED|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/;

/** node-postgres gives these without a code; the wording is that of pg 8.23 and pg-pool 3. */
const connectionMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support|Cannot use a pool after)/;

/**
 * True when `error` says that Postgres cannot do its part for now, whatever the reason: the same call can succeed later,
 * unchanged. False for what the data or our own code is to blame for, so an unknown error that is not the database's
 * counts as a fault of the message or of the code.
 */
export function isPostgresOutage(error: unknown): boolean {
  if (error instanceof PostgresUnavailable) return true;
  if (error instanceof AggregateError) return error.errors.some(isPostgresOutage);
  if (error instanceof pg.DatabaseError) return !statesOfTheStatement.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return connectionCodes.test(String((error as NodeJS.ErrnoException).code)) || connectionMessages.test(error.message);
}
