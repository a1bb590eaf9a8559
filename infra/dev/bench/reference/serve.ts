import type pg from 'pg';
import { createPool } from '../../../postgres/pool.js';
import { testLogger } from '../../testing/test-logger.js';
import { ratePerSecond } from '../rate.js';

/**
 * Makes this process a reference that a benchmark can run repeatedly. Each message from the parent is a number of
 * milliseconds: it starts one run of that length, whose result is sent back. The process exits with its parent.
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

/** Serves a reference on one database, whose address is in APP__DB_DSN, over as many connections as a service has. */
export function serveOnPostgres(task: (pool: pg.Pool) => Promise<unknown>): void {
  const pool = createPool(process.env['APP__DB_DSN'] ?? '', 'reference', testLogger);
  serve((durationMs) => ratePerSecond(pool.options.max, durationMs, () => task(pool)));
}
