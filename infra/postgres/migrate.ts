import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import type { Logger } from '../runtime/logger.js';
import { isPostgresOutage, PostgresUnavailable } from './outage.js';

const sharedMigrations = fileURLToPath(new URL('../messaging/migrations', import.meta.url));
const retryMs = 1000;
/**
 * The SQLSTATE classes of a server that is temporarily unable to run a migration. In a migration every other state
 * means that the migration itself is wrong, so a retry cannot help; elsewhere some of them mean an outage, see
 * `isPostgresOutage`.
 */
const transientStates = /^(08|25|40|53|55|57|58)/;

/**
 * Migrates the database at `dsn` to the newest schema: the outbox and inbox tables, then the migrations in `directory`.
 * Several instances may run it at once: an advisory lock lets one apply the migrations while the others wait and then
 * find nothing to do. It waits while Postgres is unavailable or refuses the login, until `stopped` fires.
 * @throws the database's error when a migration fails; the migration has been rolled back then
 */
export async function migrate(dsn: string, directory: string, logger: Logger, stopped: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const applied = await migrateOnce(dsn, directory, logger);
      logger.info({ applied }, 'the schema is up to date');
      return;
    } catch (error) {
      if (!isTransient(error) || stopped.aborted) throw error;
      logger.warn({ err: error }, `Postgres unavailable, retrying the migrations in ${retryMs} ms`);
      await sleep(retryMs, undefined, { signal: stopped });
    }
  }
}

/** Returns the names of the migrations that were applied. */
async function migrateOnce(dsn: string, directory: string, logger: Logger): Promise<string[]> {
  const client = new pg.Client({ connectionString: dsn, connectionTimeoutMillis: 3000 });
  client.on('error', () => undefined); // the statement in flight fails as well
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
      // The default mode fails while another instance is migrating, but starting several at once is normal here.
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

function isTransient(error: unknown): boolean {
  return error instanceof pg.DatabaseError ? transientStates.test(error.code ?? '') : isPostgresOutage(error);
}
