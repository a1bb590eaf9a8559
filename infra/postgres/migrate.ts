import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from 'node-pg-migrate';
import type { Logger } from '../runtime/logger.js';
import { isPostgresOutage } from './outage.js';

const sharedMigrations = fileURLToPath(new URL('../messaging/migrations', import.meta.url));
const retryMs = 1000;

/**
 * Brings the database at `dsn` to the newest schema: the outbox and inbox tables, then the service's own files.
 * Safe to run from several instances at once: an advisory lock lets one apply and makes the others wait, then find
 * nothing to do. Waits while Postgres is away, until `stopped` fires.
 * @throws the database's error when a migration itself fails; it was rolled back then
 */
export async function migrate(dsn: string, directory: string, logger: Logger, stopped: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const applied = await runner({
        databaseUrl: { connectionString: dsn, connectionTimeoutMillis: 3000 },
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
      logger.info({ applied: applied.map((migration) => migration.name) }, 'the schema is up to date');
      return;
    } catch (error) {
      if (!isPostgresOutage(error) || stopped.aborted) throw error;
      logger.warn({ err: error }, `Postgres is away, trying the migrations again in ${retryMs} ms`);
      await sleep(retryMs, undefined, { signal: stopped });
    }
  }
}
