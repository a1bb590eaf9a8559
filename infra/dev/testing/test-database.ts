import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { migrate } from '../../postgres/migrate.js';
import { createPool } from '../../postgres/pool.js';
import { testLogger } from './test-logger.js';
import { testServers } from './test-servers.js';

export type DatabaseOf = 'order-api' | 'processor';

export interface TestDatabase {
  readonly dsn: string;
  readonly pool: pg.Pool;
  /** Closes the pool and removes the database. */
  drop(): Promise<void>;
}

const templates = new Map<DatabaseOf, Promise<string>>();

/** Creates a migrated database for one suite, cloned from a template that is migrated once per run. */
export async function createTestDatabase(of: DatabaseOf): Promise<TestDatabase> {
  if (!templates.has(of)) templates.set(of, createTemplate(of));
  return createDatabase(of, await templates.get(of));
}

/** Creates a database without tables, for the tests of the migrations themselves. */
export function createEmptyDatabase(of: DatabaseOf): Promise<TestDatabase> {
  return createDatabase(of, undefined);
}

export function migrationsOf(of: DatabaseOf): string {
  return fileURLToPath(new URL(`../../../${of}/infrastructure/postgres/migrations`, import.meta.url));
}

async function createTemplate(of: DatabaseOf): Promise<string> {
  const database = await createDatabase(of, undefined);
  await migrate(database.dsn, migrationsOf(of), testLogger, new AbortController().signal);
  await database.pool.end();
  return new URL(database.dsn).pathname.slice(1);
}

async function createDatabase(of: DatabaseOf, template: string | undefined): Promise<TestDatabase> {
  const { ordersDb, processorDb } = testServers();
  const server = of === 'order-api' ? ordersDb.dsn : processorDb.dsn;
  const name = `test_${of.replace('-', '_')}_${randomUUID().replaceAll('-', '')}`;
  await runPatiently(server, `create database ${name}${template ? ` template ${template}` : ''}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = createPool(url.href, 'test', testLogger);
  return {
    dsn: url.href,
    pool,
    drop: async () => {
      if (!pool.ended) await pool.end();
      await runPatiently(server, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Runs statements one after the other, each for up to 30 s, which is longer than any service would wait. */
export async function runPatiently(dsn: string, ...statements: readonly string[]): Promise<void> {
  const pool = createPool(dsn, 'test admin', testLogger, {
    maxConnections: 1,
    connectTimeoutMs: 5000,
    loginTimeoutMs: 5000,
    statementTimeoutMs: 30_000,
    queryTimeoutMs: 30_000,
  });
  try {
    for (const statement of statements) await pool.query(statement);
  } finally {
    await pool.end();
  }
}
