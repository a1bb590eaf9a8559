import type pg from 'pg';
import { createPool } from '../../../postgres/pool.js';
import { testLogger } from '../../testing/test-logger.js';
import { ratePerSecond } from '../rate.js';

/**
 * Makes this process a reference that a benchmark runs again and again: every message from the parent is one run of so
 * many milliseconds, and is answered with its result. Ends with the parent.
 */
export function serve(run: (durationMs: number) => Promise<unknown>): void {
  process.on('message', (durationMs: number) => {
    run(durationMs).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}

/** Such a reference on one database, whose address is in APP__DB_DSN, over as many connections as a service has. */
export function serveOnPostgres(task: (pool: pg.Pool) => Promise<unknown>): void {
  const pool = createPool(process.env['APP__DB_DSN'] ?? '', 'reference', testLogger);
  serve((durationMs) => ratePerSecond(pool.options.max, durationMs, () => task(pool)));
}
