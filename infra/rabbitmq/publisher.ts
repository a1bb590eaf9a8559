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
   * `messageId` must be set: a returned message is told from the others by it. The object is handed over: the publisher
   * sets its own flags in it, since a copy of it costs a tenth of the messages a second (measured).
   */
  readonly properties: Options.Publish & { readonly messageId: string };
}

export interface Publisher {
  /**
   * Resolves when the broker has taken responsibility for the message in a queue. Rejects with NotPublished when there
   * is no connection, no queue took it, or no confirm came in time. After a rejection the message may still have been
   * published: publish it again under the same id. Rejects with NotEncodable when it never can be.
   */
  publish(message: OutgoingMessage): Promise<void>;
  /**
   * How many messages wait in the queue; those that a consumer holds are not among them.
   * @throws NotPublished while there is no connection; the broker's error when there is no such queue, which is declared
   * again then
   */
  depthOf(queue: string): Promise<number>;
  isUp(): boolean;
  close(): Promise<void>;
}

/** The broker did not confirm the message in a queue; publishing it again later is the way on. */
export class NotPublished extends Error {
  override readonly name = 'NotPublished';
}

/** The message cannot be written as AMQP: it was not sent, and no other attempt will fare better. */
export class NotEncodable extends Error {
  override readonly name = 'NotEncodable';
}

/** While an alarm blocks the broker, confirms stay away without any error: only a limit of our own ends the wait. */
const confirmTimeoutMs = 5000;
/**
 * A queue that is declared again in the very moment it was deleted can swallow the news of its deletion: its consumer is
 * not cancelled and waits on a queue that is no more (seen with RabbitMQ 3.10). So the news gets a head start.
 */
const redeclareDelayMs = 1000;

/**
 * Publishes with `mandatory` on one confirm channel. A message that no queue took is returned and then confirmed all
 * the same, so the return is what counts; it also makes the publisher declare the topology again.
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

  /** Once for all that are returned in that time; and not at once, see redeclareDelayMs. */
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
      const settle = (error: Error | null | undefined): void => {
        clearTimeout(timer);
        failpoint('confirm.before');
        // The return always arrives before the confirm of the same message.
        if (returned.delete(messageId)) reject(new NotPublished(`no queue took ${messageId} (${message.routingKey})`));
        else if (error instanceof NotEncodable) reject(error);
        else if (error) reject(new NotPublished(`RabbitMQ did not confirm ${messageId}: ${error.message}`));
        else resolve();
      };
      send(channel, message, settle);
    });
  }

  const close = async (): Promise<void> => {
    clearTimeout(redeclare);
    await connection.close();
  };
  return { publish, depthOf: (queue) => depthOn(channel, queue), isUp: () => connection.isUp() && !blocked, close };
}

/** Calls back with the broker's answer, with NotEncodable, or with the error of a channel that has just closed. */
function send(channel: ConfirmChannel, message: OutgoingMessage, callback: (error: Error | null) => void): void {
  const { exchange, routingKey, content, properties } = message;
  try {
    const options = Object.assign(properties, { mandatory: true, persistent: true });
    channel.publish(exchange, routingKey, content, options, callback);
  } catch (error) {
    if (error instanceof IllegalOperationError) return callback(error);
    // amqplib notes who waits for a confirm before it encodes the message. For one that was not sent none comes: its
    // note would take that of the next message, the next one's that of the one after it, and so on.
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
