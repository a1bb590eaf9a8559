import pg from 'pg';
import { failpoint } from '../runtime/failpoint.js';
import type { Logger } from '../runtime/logger.js';
import { PostgresUnavailable } from './outage.js';

/** What a statement can be run on: the pool, or the client of an open transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

export interface PoolLimits {
  readonly maxConnections: number;
  /** How long to wait for a connection, whether the server is away or the pool is busy. */
  readonly connectTimeoutMs: number;
  /** How long an attempt to connect may take, though nobody waits for it any more. */
  readonly loginTimeoutMs: number;
  /** How long the server may work on one statement. */
  readonly statementTimeoutMs: number;
  /** How long to wait for an answer before the connection is given up: it covers a server that froze. */
  readonly queryTimeoutMs: number;
}

/** A request is answered within 3 s whatever Postgres does, so each wait for it stays well below that. */
const defaultLimits: PoolLimits = {
  maxConnections: 10,
  connectTimeoutMs: 1500,
  loginTimeoutMs: 5000,
  statementTimeoutMs: 2000,
  queryTimeoutMs: 2500,
};

/**
 * A pool that connects on demand and outlives every loss of the server: each later call connects anew.
 * Idle and checked-out clients both get an `error` listener, since either kind ends the process without one.
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
 * A pool whose attempts to connect outlive the callers that have given up; what they open serves the next. A login takes
 * several round trips: over a slow network, or in a process that a storm of requests keeps busy, they take longer than any
 * request can wait, and if each attempt ended with its caller, none would ever get through.
 *
 * Whatever fails here fails as PostgresUnavailable: a refused login and an expired certificate say nothing about what the
 * caller was going to ask.
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
    const waiting = this.#connectInTime();
    if (!callback) return waiting;
    waiting.then(
      (client) => callback(undefined, client, client.release.bind(client)),
      (error: unknown) => callback(error as Error, undefined, () => undefined),
    );
    return undefined;
  }

  #connectInTime(): Promise<pg.PoolClient> {
    const connecting = super.connect();
    return new Promise((resolve, reject) => {
      let hasGivenUp = false;
      const timer = setTimeout(() => {
        hasGivenUp = true;
        reject(new PostgresUnavailable('timeout exceeded when trying to connect')); // as pg-pool words it
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
 * Runs `work` in one transaction at READ COMMITTED and commits, or rolls back and rethrows what `work` threw.
 * When the commit itself fails nobody knows whether it took effect: callers repeat it under the same key.
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
