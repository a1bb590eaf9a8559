import pg from 'pg';
import { crashPoint } from '../runtime/crash-point.js';
import type { Logger } from '../runtime/logger.js';

/** What a statement can be run on: the pool, or the client of an open transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

export interface PoolLimits {
  readonly maxConnections: number;
  /** How long to wait for a connection, whether the server is away or the pool is busy. */
  readonly connectTimeoutMs: number;
  /** How long the server may work on one statement. */
  readonly statementTimeoutMs: number;
  /** How long to wait for an answer before the connection is given up: it covers a server that froze. */
  readonly queryTimeoutMs: number;
}

/** A request is answered within 3 s whatever Postgres does, so each wait for it stays well below that. */
const defaultLimits: PoolLimits = {
  maxConnections: 10,
  connectTimeoutMs: 1500,
  statementTimeoutMs: 2000,
  queryTimeoutMs: 2500,
};

/**
 * A pool that connects on demand and outlives every loss of the server: each later call connects anew.
 * Idle and checked-out clients both get an `error` listener, since either kind ends the process without one.
 */
export function createPool(dsn: string, applicationName: string, logger: Logger, limits = defaultLimits): pg.Pool {
  const pool = new pg.Pool({
    connectionString: dsn,
    application_name: applicationName,
    max: limits.maxConnections,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    query_timeout: limits.queryTimeoutMs,
    idle_in_transaction_session_timeout: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  const onLost = (error: Error): void => logger.warn({ err: error }, 'lost a connection to Postgres');
  pool.on('error', onLost);
  pool.on('connect', (client) => client.on('error', onLost));
  return pool;
}

/**
 * Runs `work` in one transaction at READ COMMITTED and commits, or rolls back and rethrows what `work` threw.
 * When the commit itself fails nobody knows whether it took effect: callers repeat it under the same key.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    crashPoint('commit.before');
    await client.query('commit');
    crashPoint('commit.after');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    // A client that could not even roll back is closed, not handed to the next caller.
    client.release(broken);
  }
}
