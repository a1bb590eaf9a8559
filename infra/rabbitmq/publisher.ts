import { IllegalOperationError, type ConfirmChannel, type Options } from 'amqplib';
import { failpoint } from '../runtime/failpoint.js';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { closeWithChannel, keepConnected } from './connection.js';
import { declareTopology, type Topology } from './topology.js';

interface OutgoingMessage {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  /**
   * `messageId` must be set, since it identifies a returned message. The caller must not use the object afterwards: the
   * publisher sets its own flags in it, since copying it costs a tenth of the throughput (measured).
   */
  readonly properties: Options.Publish & { readonly messageId: string };
}

export interface Publisher {
  /**
   * Resolves when the broker has confirmed that the message is in a queue. After NotPublished the message may have been
   * published all the same, so publish it again under the same id.
   * @throws NotPublished when there is no connection, no queue took the message, or no confirm arrived within 5 s
   * @throws NotEncodable when the message can never be published
   */
  publish(message: OutgoingMessage): Promise<void>;
  /**
   * Resolves to the number of messages that wait in the queue, excluding those that a consumer holds.
   * @throws NotPublished while there is no connection; the broker's error when the queue does not exist, in which case
   * the topology is declared again
   */
  depthOf(queue: string): Promise<number>;
  isUp(): boolean;
  close(): Promise<void>;
}

/** The broker did not confirm that the message is in a queue. Publish it again later. */
export class NotPublished extends Error {
  override readonly name = 'NotPublished';
}

/** The message cannot be encoded in AMQP. It was not sent, and another attempt will fail as well. */
export class NotEncodable extends Error {
  override readonly name = 'NotEncodable';
}

/** While an alarm blocks the broker, no confirm and no error arrives, so only this timeout ends the wait. */
const confirmTimeoutMs = 5000;
/**
 * If a queue is declared again at the moment of its deletion, the notice of the deletion can get lost: its consumer is
 * not cancelled and waits on a queue that no longer exists (seen with RabbitMQ 3.10). This delay gives the notice
 * time to arrive.
 */
const redeclareDelayMs = 1000;

/**
 * Creates a publisher that publishes with `mandatory` on one confirm channel. The broker returns a message that no
 * queue took and then confirms it all the same, so the return decides. A return also makes the publisher declare the
 * topology again.
 */
export async function createPublisher(
  url: string,
  name: string,
  topology: Topology,
  logger: Logger,
): Promise<Publisher> {
  let channel: ConfirmChannel | undefined;
  let blocked = false;
  const returned = new Set<string>();
  let redeclare: NodeJS.Timeout | undefined;

  /** Declares the topology once for all messages returned within the delay, see `redeclareDelayMs`. */
  function declareSoon(current: ConfirmChannel): void {
    redeclare ??= setTimeout(() => {
      redeclare = undefined;
      if (channel !== current) return; // a new connection has declared everything
      declareTopology(current, topology).catch((error: unknown) =>
        logger.warn({ err: error }, 'declaring queues failed'),
      );
    }, redeclareDelayMs);
  }

  const connection = await keepConnected(url, name, logger, async (model) => {
    const fresh = await model.createConfirmChannel();
    closeWithChannel(model, fresh, logger);
    fresh.on('close', () => {
      if (channel === fresh) channel = undefined;
    });
    fresh.on('return', (message) => {
      returned.add(String(message.properties.messageId));
      declareSoon(fresh);
    });
    model.on('blocked', (reason) => {
      blocked = true;
      logger.warn({ reason }, 'RabbitMQ takes no messages for now');
    });
    model.on('unblocked', () => (blocked = false));
    await declareTopology(fresh, topology);
    blocked = false;
    channel = fresh;
  });

  function publish(message: OutgoingMessage): Promise<void> {
    const { messageId } = message.properties;
    return new Promise((resolve, reject) => {
      if (!channel) return reject(new NotPublished('RabbitMQ is not connected'));
      if (blocked) return reject(new NotPublished('RabbitMQ takes no messages for now (resource alarm)'));
      const timer = setTimeout(
        () => reject(new NotPublished(`RabbitMQ did not confirm ${messageId} within ${confirmTimeoutMs} ms`)),
        confirmTimeoutMs,
      );
      const onConfirm = (error: Error | null | undefined): void => {
        clearTimeout(timer);
        failpoint('confirm.before');
        // The return always arrives before the confirm of the same message.
        if (returned.delete(messageId)) reject(new NotPublished(`no queue took ${messageId} (${message.routingKey})`));
        else if (error instanceof NotEncodable) reject(error);
        else if (error) reject(new NotPublished(`RabbitMQ did not confirm ${messageId}: ${error.message}`));
        else resolve();
      };
      send(channel, message, onConfirm);
    });
  }

  const close = async (): Promise<void> => {
    clearTimeout(redeclare);
    await connection.close();
  };
  return { publish, depthOf: (queue) => depthOn(channel, queue), isUp: () => connection.isUp() && !blocked, close };
}

/** Calls back with the broker's confirm or error, with NotEncodable, or with the error of a closed channel. */
function send(channel: ConfirmChannel, message: OutgoingMessage, callback: (error: Error | null) => void): void {
  const { exchange, routingKey, content, properties } = message;
  try {
    const options = Object.assign(properties, { mandatory: true, persistent: true });
    channel.publish(exchange, routingKey, content, options, callback);
  } catch (error) {
    if (error instanceof IllegalOperationError) return callback(error);
    // amqplib queues the callback for a confirm before it encodes the message. A message that was not sent gets no
    // confirm, so its callback would receive the confirm of the next message, and every later one would be off by one.
    const { unconfirmed } = channel as unknown as { unconfirmed: unknown[] };
    if (unconfirmed.at(-1) === callback) unconfirmed.pop();
    const reason = error instanceof Error ? error.message : String(error);
    callback(new NotEncodable(`${properties.messageId} cannot be written as AMQP: ${reason}`, { cause: error }));
  }
}

async function depthOn(channel: ConfirmChannel | undefined, queue: string): Promise<number> {
  if (!channel) throw new NotPublished('RabbitMQ is not connected');
  const checking = channel.checkQueue(queue);
  return (await withDeadline(`counting the messages in ${queue}`, confirmTimeoutMs, checking)).messageCount;
}
