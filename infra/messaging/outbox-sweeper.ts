import type pg from 'pg';
import { repeat, type BackgroundLoop } from '../runtime/background-loop.js';
import { inBatches } from '../runtime/in-batches.js';
import type { Logger } from '../runtime/logger.js';
import { claimUnpublished } from './outbox.js';

export interface OutboxSweeperOptions {
  readonly pool: pg.Pool;
  readonly intervalMs: number;
  /** Returns false while a row could not be published anyway; then the sweeper claims none. */
  readonly isReady: () => boolean;
  /**
   * Publishes these rows, or marks those that need no publishing. An error is logged, and the rows become due again.
   */
  readonly sweep: (rows: readonly { readonly id: string; readonly aggregateId: string }[]) => Promise<void>;
  readonly logger: Logger;
}

const batchSize = 200;
const maxBatchesPerPass = 100;
const recheckMs = 30_000;

/**
 * Creates a loop that finds rows which their publisher left unpublished: the confirm did not arrive in time, or the
 * process died before it marked them, and the workflow that would have tried again is closed. The time until the next
 * look at a row grows with its age, so a backlog costs little.
 */
export function createOutboxSweeper({
  pool,
  intervalMs,
  isReady,
  sweep,
  logger,
}: OutboxSweeperOptions): BackgroundLoop {
  return repeat('outbox sweeper', intervalMs, logger, async (stopped) => {
    if (!isReady()) return;
    const swept = await inBatches(batchSize, maxBatchesPerPass, stopped, async () => {
      const rows = await claimUnpublished(pool, batchSize, recheckMs);
      // A failed batch must not hold up the next one; its rows become due again.
      if (rows.length > 0) {
        await sweep(rows).catch((error: unknown) =>
          logger.warn({ err: error }, 'unpublished events could not be swept'),
        );
      }
      return rows.length;
    });
    if (swept > 0) logger.info({ rows: swept }, 'swept unpublished events');
  });
}
