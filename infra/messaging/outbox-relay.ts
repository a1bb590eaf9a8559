import type pg from 'pg';
import { isPostgresOutage } from '../postgres/outage.js';
import { NotPublished, type Publisher } from '../rabbitmq/publisher.js';
import { createBatcher } from '../runtime/batcher.js';
import { crashPoint } from '../runtime/crash-point.js';
import type { Logger } from '../runtime/logger.js';
import { envelopeContentType, toEnvelope } from './envelope.js';
import {
  findUnpublished,
  markPublished,
  markUnpublished,
  recordFailedAttempts,
  type StoredOutboxMessage,
} from './outbox.js';

export interface OutboxRelayOptions {
  readonly pool: pg.Pool;
  readonly publisher: Publisher;
  readonly exchange: string;
  /** CloudEvents `source` and AMQP `app_id`: the service's name. */
  readonly source: string;
  /** The logger for lines about one message. */
  readonly log: (message: StoredOutboxMessage) => Logger;
}

/** The way from outbox to broker: publish, have it confirmed, mark the row, in this order. */
export interface OutboxRelay {
  /**
   * Publishes what is unpublished of these aggregates and the type, and returns the ids of those messages; none when
   * there is nothing left to publish, so calling again is harmless. At least once: a crash between confirm and mark
   * publishes again, under the same id. One that cannot be published does not keep back those of other aggregates.
   * @param headers added to each message's own
   * @throws NotPublished or the database's error, after all have been tried; a row keeps its failed attempt and the reason
   */
  publish(
    aggregateIds: readonly string[],
    type: string,
    dataversion: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<string[]>;
  /** As `publish`, but also what was published before: for messages that were lost after the broker had confirmed them. */
  publishAgain: OutboxRelay['publish'];
}

/** How long the caller has before a reconciler takes a look at what it is about to publish again. */
const againGraceMs = 30_000;

/** Calls that come at once, from many activities, share one query, one window of confirms and one update. */
const batching = { isOutage: isPostgresOutage, maxSize: 200, maxAgeMs: 5, maxInFlight: 2 };

export function createOutboxRelay({ pool, publisher, exchange, source, log }: OutboxRelayOptions): OutboxRelay {
  const find = createBatcher<{ aggregateId: string; type: string }, StoredOutboxMessage[]>({
    ...batching,
    work: async (wanted) => {
      const types = [...new Set(wanted.map(({ type }) => type))];
      const idsOf = (type: string) => wanted.filter((each) => each.type === type).map((each) => each.aggregateId);
      const found = await Promise.all(types.map((type) => findUnpublished(pool, idsOf(type), type)));
      const byKey = new Map<string, StoredOutboxMessage[]>();
      for (const message of found.flat()) byKey.set(keyOf(message), [...(byKey.get(keyOf(message)) ?? []), message]);
      return wanted.map((each) => byKey.get(keyOf(each)) ?? []);
    },
  });
  const mark = createBatcher<string, undefined>({
    ...batching,
    work: async (ids) => {
      await markPublished(pool, ids);
      return ids.map(() => undefined);
    },
  });

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

  const relay: OutboxRelay = {
    publish: async (aggregateIds, type, dataversion, headers = {}) => {
      const published: string[] = [];
      const failed: { id: string; error: unknown }[] = [];
      const publishAll = async (messages: readonly StoredOutboxMessage[]): Promise<void> => {
        for (const message of messages) {
          try {
            crashPoint('publish.before');
            await publishOne(message, dataversion, headers);
          } catch (error) {
            failed.push({ id: message.id, error });
            log(message).warn({ err: error, message_id: message.id }, `${type} could not be published`);
            return; // what was written after it follows after it
          }
          crashPoint('mark.before');
          await mark(message.id);
          crashPoint('mark.after');
          published.push(message.id);
          log(message).info({ message_id: message.id }, `${type} published`);
        }
      };
      const found = await Promise.all(aggregateIds.map((aggregateId) => find({ aggregateId, type })));
      const results = await Promise.allSettled(found.map(publishAll));
      // The notes are for people; losing them must not hide why the publish failed.
      if (failed.length > 0) await noteFailures(pool, failed).catch(() => undefined);
      throwFirst(failed, results);
      return published;
    },
    publishAgain: async (aggregateIds, type, dataversion, headers) => {
      await markUnpublished(pool, aggregateIds, type, againGraceMs);
      return relay.publish(aggregateIds, type, dataversion, headers);
    },
  };
  return relay;
}

function keyOf({ aggregateId, type }: { aggregateId: string; type: string }): string {
  return `${type} ${aggregateId}`;
}

async function noteFailures(pool: pg.Pool, failed: readonly { id: string; error: unknown }[]): Promise<void> {
  await recordFailedAttempts(
    pool,
    failed.map(({ id, error }) => ({ id, error: String(error) })),
  );
}

/** @throws the error of a message that was not published, or of a row that was not marked; does nothing without one */
function throwFirst(failed: readonly { error: unknown }[], results: readonly PromiseSettledResult<void>[]): void {
  const [first, ...others] = failed.map(({ error }) => error);
  if (first !== undefined && others.length === 0) throw first as Error;
  if (first !== undefined) {
    throw new NotPublished(`${failed.length} messages could not be published, the first: ${(first as Error).message}`);
  }
  const unmarked = results.find((result) => result.status === 'rejected');
  if (unmarked) throw unmarked.reason as Error;
}
