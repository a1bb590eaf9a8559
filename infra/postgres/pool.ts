import pg from 'pg';
import { failpoint } from '../runtime/failpoint.js';
import type { Logger } from '../runtime/logger.js';
import { PostgresUnavailable } from './outage.js';

/** What can run a statement: the pool, or the client of an open transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

export interface PoolLimits {
  readonly maxConnections: number;
  /** How long to wait for a connection, whether the server is unavailable or the pool is busy. */
  readonly connectTimeoutMs: number;
  /** How long an attempt to connect may take, even if no caller waits for it any more. */
  readonly loginTimeoutMs: number;
  /** How long the server may work on one statement. */
  readonly statementTimeoutMs: number;
  /** How long to wait for a result before the connection is discarded; covers a frozen server. */
  readonly queryTimeoutMs: number;
}

/** A request is answered within 3 s whatever Postgres does, so a caller waits well below that for each step. */
const defaultLimits: PoolLimits = {
  maxConnections: 10,
  connectTimeoutMs: 1500,
  loginTimeoutMs: 5000,
  statementTimeoutMs: 2000,
  queryTimeoutMs: 2500,
};

/**
 * Creates a pool that connects on demand and survives every loss of the server: a later call connects again. Both idle
 * and checked-out clients get an `error` listener, since without one an error of either kind ends the process.
 */
export function createPool(dsn: string, applicationName: string, logger: Logger, limits = defaultLimits): pg.Pool {
  const config: pg.PoolConfig = {
    connectionString: dsn,
    application_name: applicationName,
    max: limits.maxConnections,
    connectionTimeoutMillis: limits.loginTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    query_timeout: limits.queryTimeoutMs,
    idle_in_transaction_session_timeout: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  };
  const pool = new DetachedConnectPool(config, limits.connectTimeoutMs);
  const onLost = (error: Error): void => logger.warn({ err: error }, 'lost a connection to Postgres');
  pool.on('error', onLost);
  pool.on('connect', (client) => client.on('error', onLost));
  return pool;
}

type ConnectCallback = Parameters<pg.Pool['connect']>[0];

/**
 * A pool whose attempts to connect continue after their callers have given up; the connection serves the next caller. A
 * login takes several round trips. Over a slow network, or in a process that is busy with a burst of requests, they
 * take longer than a request can wait. If each attempt ended with its caller, none would ever succeed.
 *
 * Every failure to connect is a PostgresUnavailable: a refused login or an expired certificate says nothing about the
 * statement that the caller was going to run.
 */
class DetachedConnectPool extends pg.Pool {
  readonly #waitMs: number;

  constructor(config: pg.PoolConfig, waitMs: number) {
    super(config);
    this.#waitMs = waitMs;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const waiting = this.#connectWithTimeout();
    if (!callback) return waiting;
    waiting.then(
      (client) => callback(undefined, client, client.release.bind(client)),
      (error: unknown) => callback(error as Error, undefined, () => undefined),
    );
    return undefined;
  }

  #connectWithTimeout(): Promise<pg.PoolClient> {
    const connecting = super.connect();
    return new Promise((resolve, reject) => {
      let hasGivenUp = false;
      const timer = setTimeout(() => {
        hasGivenUp = true;
        reject(new PostgresUnavailable('timeout exceeded when trying to connect')); // the wording of pg-pool
      }, this.#waitMs);
      connecting
        .finally(() => clearTimeout(timer))
        .then(
          (client) => (hasGivenUp ? client.release() : resolve(client)),
          (error: unknown) => reject(new PostgresUnavailable(error)),
        );
    });
  }
}

/**
 * Runs `work` in one transaction at READ COMMITTED and commits it, or rolls back and rethrows the error of `work`. If
 * the commit itself fails, it is unknown whether it took effect, so callers repeat the work under the same key.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    failpoint('commit.before');
    await client.query('commit');
    failpoint('commit.after');
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
