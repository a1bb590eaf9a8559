import type pg from 'pg';
import { isPostgresOutage } from '../postgres/outage.js';
import { NotPublished, type Publisher } from '../rabbitmq/publisher.js';
import { createBatcher } from '../runtime/batcher.js';
import { failpoint } from '../runtime/failpoint.js';
import type { Logger } from '../runtime/logger.js';
import { envelopeContentType, toEnvelope } from './envelope.js';
import { findToPublish, markPublished, recordFailedAttempts, type StoredOutboxMessage } from './outbox.js';

export interface OutboxRelayOptions {
  readonly pool: pg.Pool;
  readonly publisher: Publisher;
  readonly exchange: string;
  /** CloudEvents `source` and AMQP `app_id`: the service's name. */
  readonly source: string;
  /** Returns the logger for lines about one message. */
  readonly log: (message: StoredOutboxMessage) => Logger;
}

/** Which messages are to be published. */
interface PublishRequest {
  readonly aggregateIds: readonly string[];
  readonly type: string;
  readonly dataversion: string;
  /** Added to the headers of each message. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Also publishes messages that were published at least this long ago, in case the broker lost them after its confirm.
   */
  readonly republishAfterMs?: number | undefined;
}

/** Moves messages from the outbox to the broker: publish, wait for the confirm, mark the row. */
export interface OutboxRelay {
  /**
   * Publishes the unpublished messages of these aggregates and this type, and returns their ids. Calling it again is
   * harmless: it publishes only what is left. It publishes at least once: after a crash between confirm and mark it
   * publishes the message again under the same id. A message that cannot be published holds up no other
   * aggregate.
   * @throws NotPublished or the database's error, after it has tried all messages; the row records the failed attempt
   * and the reason
   */
  publish(request: PublishRequest): Promise<string[]>;
}

/** Concurrent calls, from many activities, share one query, one window of confirms and one update. */
const batching = { isOutage: isPostgresOutage, maxBatchSize: 200, maxAgeMs: 5, maxInFlight: 2 };

export function createOutboxRelay({ pool, publisher, exchange, source, log }: OutboxRelayOptions): OutboxRelay {
  const find = createFinder(pool);
  const mark = createMarker(pool);

  async function publishOne(message: StoredOutboxMessage, dataversion: string, headers: object): Promise<void> {
    const envelope = toEnvelope(message, source, dataversion);
    await publisher.publish({
      exchange,
      routingKey: message.type,
      content: Buffer.from(JSON.stringify(envelope)),
      properties: {
        messageId: message.id,
        correlationId: message.aggregateId,
        type: message.type,
        appId: source,
        contentType: envelopeContentType,
        timestamp: Math.floor(message.createdAt.getTime() / 1000),
        headers: { ...message.headers, ...headers },
      },
    });
  }

  /** Publishes the messages of one aggregate in order, up to the first that fails. */
  async function publishInOrder(
    messages: readonly StoredOutboxMessage[],
    dataversion: string,
    headers: object,
    { published, failed }: { published: string[]; failed: { id: string; error: unknown }[] },
  ): Promise<void> {
    for (const message of messages) {
      try {
        failpoint('publish.before');
        await publishOne(message, dataversion, headers);
      } catch (error) {
        failed.push({ id: message.id, error });
        log(message).warn({ err: error, message_id: message.id }, `${message.type} could not be published`);
        return; // later messages must not overtake it
      }
      failpoint('mark.before');
      await mark(message.id);
      failpoint('mark.after');
      published.push(message.id);
      log(message).info({ message_id: message.id }, `${message.type} published`);
    }
  }

  async function publishAll(
    byAggregate: readonly (readonly StoredOutboxMessage[])[],
    dataversion: string,
    headers: object,
  ): Promise<string[]> {
    const results = { published: [] as string[], failed: [] as { id: string; error: unknown }[] };
    const settlements = await Promise.allSettled(
      byAggregate.map((messages) => publishInOrder(messages, dataversion, headers, results)),
    );
    // The records only inform operators; failing to write them must not hide why the publish failed.
    if (results.failed.length > 0) await recordFailures(pool, results.failed).catch(() => undefined);
    throwFirst(results.failed, settlements);
    return results.published;
  }

  return {
    publish: async ({ aggregateIds, type, dataversion, headers = {}, republishAfterMs }) => {
      const found =
        republishAfterMs === undefined
          ? await Promise.all(aggregateIds.map((aggregateId) => find({ aggregateId, type })))
          : [...byAggregate(await findToPublish(pool, aggregateIds, type, republishAfterMs)).values()];
      return publishAll(found, dataversion, headers);
    },
  };
}

/** Finds the unpublished messages of one aggregate. Concurrent calls share one query per type. */
function createFinder(pool: pg.Pool) {
  return createBatcher<{ aggregateId: string; type: string }, StoredOutboxMessage[]>({
    ...batching,
    run: async (wanted) => {
      const types = [...new Set(wanted.map(({ type }) => type))];
      const idsOf = (type: string) => wanted.filter((each) => each.type === type).map((each) => each.aggregateId);
      const found = await Promise.all(types.map((type) => findToPublish(pool, idsOf(type), type)));
      const byKey = byAggregate(found.flat());
      return wanted.map((each) => byKey.get(keyOf(each)) ?? []);
    },
  });
}

/** Marks one message as published. Concurrent calls share one update. */
function createMarker(pool: pg.Pool) {
  return createBatcher<string, undefined>({
    ...batching,
    run: async (ids) => {
      await markPublished(pool, ids);
      return ids.map(() => undefined);
    },
  });
}

function byAggregate(messages: readonly StoredOutboxMessage[]): Map<string, StoredOutboxMessage[]> {
  const found = new Map<string, StoredOutboxMessage[]>();
  for (const message of messages) found.set(keyOf(message), [...(found.get(keyOf(message)) ?? []), message]);
  return found;
}

function keyOf({ aggregateId, type }: { aggregateId: string; type: string }): string {
  return `${type} ${aggregateId}`;
}

async function recordFailures(pool: pg.Pool, failed: readonly { id: string; error: unknown }[]): Promise<void> {
  await recordFailedAttempts(
    pool,
    failed.map(({ id, error }) => ({ id, error: String(error) })),
  );
}

/** @throws the error of a message that was not published or of a row that was not marked, if there is one */
function throwFirst(failed: readonly { error: unknown }[], results: readonly PromiseSettledResult<void>[]): void {
  const [first, ...others] = failed.map(({ error }) => error);
  if (first !== undefined && others.length === 0) throw first as Error;
  if (first !== undefined) {
    throw new NotPublished(
      `${failed.length} messages could not be published; the first error: ${(first as Error).message}`,
    );
  }
  const unmarked = results.find((result) => result.status === 'rejected');
  if (unmarked) throw unmarked.reason as Error;
}
