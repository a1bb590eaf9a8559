import type pg from 'pg';
import { repeat, type BackgroundLoop } from '../runtime/background-loop.js';
import { inBatches } from '../runtime/in-batches.js';
import type { Logger } from '../runtime/logger.js';
import { deleteReceived } from './inbox.js';
import { deletePublished } from './outbox.js';

export interface Retention {
  readonly outboxDays: number;
  /** Longer than any message can come back: a dead letter replayed after that is no longer known as a repeat. */
  readonly inboxDays: number;
}

const intervalMs = 600_000;
const batchSize = 1000;
/** 200 batches of 1,000 every 10 minutes keep up with over 300 orders a second. */
const batchesPerPass = 200;

/**
 * Removes published outbox rows and old inbox rows by age, in small batches, so that it never holds up an order.
 *
 * Deleting keeps the tables from growing, by measurement: 300,000 messages were written, marked and deleted, 5,000 at a
 * time, in an outbox that kept the last 50,000. It was 26 MiB large after 100,000 and 27 MiB after 300,000, whatever was set
 * for autovacuum, and 1,000 rows took 15 ms to delete. Partitions that are dropped would leave no dead rows at all, but the
 * inbox cannot have them: its key must be unique over all of them.
 */
export function createCleaner(pool: pg.Pool, retention: Retention, logger: Logger): BackgroundLoop {
  return repeat('cleaner', intervalMs, logger, async (stopped) => {
    const outbox = await inBatches(batchSize, batchesPerPass, stopped, () =>
      deletePublished(pool, retention.outboxDays, batchSize),
    );
    const inbox = await inBatches(batchSize, batchesPerPass, stopped, () =>
      deleteReceived(pool, retention.inboxDays, batchSize),
    );
    if (outbox + inbox > 0) logger.info({ outbox, inbox }, 'removed what is past its retention');
  });
}
