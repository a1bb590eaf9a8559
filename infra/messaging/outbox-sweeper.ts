import type pg from 'pg';
import { repeat, type BackgroundLoop } from '../runtime/background-loop.js';
import { inBatches } from '../runtime/in-batches.js';
import type { Logger } from '../runtime/logger.js';
import { claimUnpublished } from './outbox.js';

export interface OutboxSweeperOptions {
  readonly pool: pg.Pool;
  readonly intervalMs: number;
  /** False while nothing could be done for a row: then none is claimed. */
  readonly isReady: () => boolean;
  /** Has these rows published, or marked when they need no publishing. What it throws is logged; the rows are due again. */
  readonly sweep: (rows: readonly { readonly id: string; readonly aggregateId: string }[]) => Promise<void>;
  readonly logger: Logger;
}

const batchSize = 200;
const maxBatchesPerPass = 100;
const recheckMs = 30_000;

/**
 * Finds rows that whoever was to publish them has left behind: their publisher's limit for a confirm ran out, or the
 * process died before it marked them, and the workflow that would have tried again is closed. Each row is looked at again
 * after as long as it has waited, so a backlog costs little.
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
      // The batch after it is not to blame, and what failed is due again.
      if (rows.length > 0) {
        await sweep(rows).catch((error: unknown) =>
          logger.warn({ err: error }, 'unpublished events could not be swept'),
        );
      }
      return rows.length;
    });
    if (swept > 0) logger.info({ rows: swept }, 'looked after unpublished events');
  });
}
