import type pg from 'pg';
import { envelopeContentType, toEnvelope } from '../../../messaging/envelope.js';
import type { Publisher } from '../../../rabbitmq/publisher.js';
import type { Logger } from '../../../runtime/logger.js';
import type { orderCreated, orderProcessed } from '../../../../workflows/order-events.js';
import { orderTopology } from '../../../../workflows/order-events.js';
import { loadPeerPackage } from './packages.js';

interface LibraryMessage {
  readonly id: string;
  readonly aggregateId: string;
  readonly messageType: string;
  readonly payload: object;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** The part of pg-transactional-outbox that this file uses. */
interface OutboxLibrary {
  readonly DatabaseSetup: Record<
    'dropAndCreateTable' | 'createPollingFunction' | 'setupPollingIndexes',
    (config: object) => string
  >;
  initializePollingMessageListener(
    config: object,
    handler: { handle(message: LibraryMessage): Promise<void> },
    logger: Logger,
    strategies: { batchSizeStrategy: () => Promise<number> },
  ): [shutdown: () => Promise<void>];
}

const table = 'library_outbox';
const pollingFunction = 'next_outbox_messages';
const batchSize = 100;
const pollMs = 100;

/**
 * Replaces the outbox with the library's own table, index and function. A view under the original names lets the stores
 * insert into the table within the order's transaction, and mark its messages; the view of operations is created again.
 * `check_at` is the library's lock, so the writers give no grace period. Two additions are not the library's: the index
 * by order, which the stores' statements need, and the column for the reason of a failure.
 */
async function replaceOutbox(pool: pg.Pool, { DatabaseSetup }: OutboxLibrary): Promise<void> {
  const config = {
    ...{ outboxOrInbox: 'outbox', database: pool.options.database, schema: 'public', table, listenerRole: 'none' },
    ...{ nextMessagesName: pollingFunction, nextMessagesSchema: 'public' },
  };
  await pool.query('drop table outbox cascade');
  await pool.query(DatabaseSetup.dropAndCreateTable(config));
  await pool.query(`
    alter table ${table} add column last_error text;
    alter table ${table} alter column aggregate_type set default 'order';
    alter table ${table} alter column concurrency set default 'parallel';
    create index library_outbox_of_aggregate on ${table} (aggregate_id);`);
  await pool.query(DatabaseSetup.createPollingFunction(config));
  await pool.query(DatabaseSetup.setupPollingIndexes(config));
  await pool.query(`
    create view outbox as
    select id, aggregate_id, message_type as type, payload, metadata as headers, created_at, processed_at as published_at,
           finished_attempts as attempts, last_error, locked_until as check_at
    from ${table};
    create view operations.outbox as select * from outbox;`);
}

/**
 * Has the library publish the events of this database, in the same form and through the same publisher as this system
 * does. Returns a function that stops it.
 */
export async function startOutboxLibrary(
  { pool, publisher, logger, dsn }: { pool: pg.Pool; publisher: Publisher; logger: Logger; dsn: string },
  { dataversion }: typeof orderCreated | typeof orderProcessed,
  source: string,
): Promise<() => Promise<void>> {
  const library = loadPeerPackage('pg-transactional-outbox') as OutboxLibrary;
  await replaceOutbox(pool, library);
  const [stop] = library.initializePollingMessageListener(
    {
      outboxOrInbox: 'outbox',
      dbListenerConfig: { connectionString: dsn },
      settings: {
        ...{ dbSchema: 'public', dbTable: table, nextMessagesFunctionName: pollingFunction },
        ...{ nextMessagesBatchSize: batchSize, nextMessagesPollingIntervalInMs: pollMs },
        // The library's documentation advises that an outbox never gives up on a message.
        ...{ enableMaxAttemptsProtection: false, enablePoisonousMessageProtection: false },
      },
    },
    { handle: (message) => publish(publisher, message, source, dataversion) },
    logger,
    // The default strategy starts with single messages, for as many polls as a batch has messages.
    { batchSizeStrategy: () => Promise.resolve(batchSize) },
  );
  return stop;
}

async function publish(
  publisher: Publisher,
  { id, aggregateId, messageType, payload, metadata = {}, createdAt }: LibraryMessage,
  source: string,
  dataversion: string,
): Promise<void> {
  const stored = { id, aggregateId, type: messageType, payload, headers: metadata, createdAt: new Date(createdAt) };
  await publisher.publish({
    exchange: orderTopology.exchange,
    routingKey: messageType,
    content: Buffer.from(JSON.stringify(toEnvelope(stored, source, dataversion))),
    properties: {
      messageId: id,
      correlationId: aggregateId,
      type: messageType,
      appId: source,
      contentType: envelopeContentType,
      timestamp: Math.floor(stored.createdAt.getTime() / 1000),
      headers: { ...metadata },
    },
  });
}
