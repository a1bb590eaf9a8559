import type pg from 'pg';
import type { Publisher } from '../rabbitmq/publisher.js';
import type { Logger } from '../runtime/logger.js';
import { envelopeContentType, toEnvelope } from './envelope.js';
import { findUnpublished, markPublished, recordFailedAttempt, type StoredOutboxMessage } from './outbox.js';

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
   * Publishes what is unpublished of one aggregate and type, and returns the ids of those messages; none when there is
   * nothing left to publish, so calling again is harmless. At least once: a crash between confirm and mark publishes
   * again, under the same id.
   * @throws NotPublished or the database's error; the row then keeps the failed attempt and its reason
   */
  publish(aggregateId: string, type: string, dataversion: string): Promise<string[]>;
}

export function createOutboxRelay({ pool, publisher, exchange, source, log }: OutboxRelayOptions): OutboxRelay {
  async function publishOne(message: StoredOutboxMessage, dataversion: string): Promise<void> {
    const envelope = toEnvelope(message, source, dataversion);
    try {
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
          headers: { ...message.headers },
        },
      });
    } catch (error) {
      // The note is for people; losing it must not hide why the publish failed.
      await recordFailedAttempt(pool, message.id, String(error)).catch(() => undefined);
      log(message).warn({ err: error, message_id: message.id }, `${message.type} could not be published`);
      throw error;
    }
    await markPublished(pool, message.id);
    log(message).info({ message_id: message.id }, `${message.type} published`);
  }

  return {
    publish: async (aggregateId, type, dataversion) => {
      const messages = await findUnpublished(pool, aggregateId, type);
      for (const message of messages) await publishOne(message, dataversion);
      return messages.map((message) => message.id);
    },
  };
}
