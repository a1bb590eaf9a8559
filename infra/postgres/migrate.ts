import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import type { Logger } from '../runtime/logger.js';
import { isPostgresOutage, PostgresUnavailable } from './outage.js';

const sharedMigrations = fileURLToPath(new URL('../messaging/migrations', import.meta.url));
const retryMs = 1000;
/**
 * SQLSTATE classes of a server that cannot do it right now. In a migration every other one is a fault of the migration
 * itself, which no repeat heals; elsewhere it is an outage (see outage.ts).
 */
const passingStates = /^(08|25|40|53|55|57|58)/;

/**
 * Brings the database at `dsn` to the newest schema: the outbox and inbox tables, then the service's own files.
 * Safe to run from several instances at once: an advisory lock lets one apply and makes the others wait, then find
 * nothing to do. Waits while Postgres is unavailable or refuses the login, until `stopped` fires.
 * @throws the database's error when a migration itself fails; it was rolled back then
 */
export async function migrate(dsn: string, directory: string, logger: Logger, stopped: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const applied = await migrateOnce(dsn, directory, logger);
      logger.info({ applied }, 'the schema is up to date');
      return;
    } catch (error) {
      if (!isPassing(error) || stopped.aborted) throw error;
      logger.warn({ err: error }, `Postgres is unavailable, trying the migrations again in ${retryMs} ms`);
      await sleep(retryMs, undefined, { signal: stopped });
    }
  }
}

/** Returns the names of the migrations that were applied. */
async function migrateOnce(dsn: string, directory: string, logger: Logger): Promise<string[]> {
  const client = new pg.Client({ connectionString: dsn, connectionTimeoutMillis: 3000 });
  client.on('error', () => undefined); // the statement under way fails as well
  try {
    await client.connect().catch((error: unknown) => {
      throw new PostgresUnavailable(error);
    });
    const applied = await runner({
      dbClient: client,
      dir: [`${sharedMigrations}/*.sql`, `${directory}/*.sql`],
      useGlob: true,
      direction: 'up',
      migrationsTable: 'migrations',
      // The default mode fails when another instance is migrating; starting several at once is a normal day here.
      advisoryLockMode: 'wait',
      logger: {
        debug: () => {},
        info: () => {},
        warn: (text) => logger.warn(text),
        error: (text) => logger.error(text),
      },
    });
    return applied.map(({ name }) => name);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof pg.DatabaseError ? passingStates.test(error.code ?? '') : isPostgresOutage(error);
}
