import { randomUUID } from 'node:crypto';
import type { ConsumeMessage, Options } from 'amqplib';
import { boundedText } from '../runtime/bounded-text.js';
import type { Logger } from '../runtime/logger.js';
import { NotPublished, type Publisher } from './publisher.js';
import { deadLetterQueueOf } from './topology.js';

/** A message that its consumer has given up on, and the reason. */
export interface GivenUp {
  readonly message: ConsumeMessage;
  /** The queue it was consumed from. */
  readonly queue: string;
  readonly reason: string;
  readonly attempts: number;
}

/** The `max_message_size` of the brokers. Exceeding it closes the channel, with everything in flight on it. */
export const maxMessageBytes = 1_048_576;
/** Enough for a trace and a tenant. The limit of amqplib is 64 KiB for all headers. */
const maxSenderHeaderBytes = 8192;
/** The limit of an AMQP short string, which most properties and the names of headers are. */
const maxShortStringBytes = 255;

/** Returns true for a header that routes copies to further queues. Publishing it again would repeat the copies. */
export function isCopyHeader(name: string): boolean {
  return name === 'CC' || name === 'BCC';
}

/**
 * Publishes a message to the dead-letter queue of the queue it came from, with the reason in its headers. Headers and
 * properties that cannot be kept are omitted and named in `x-dead-letter-omitted`.
 * @returns false if the message can never be published; the consumer must reject it then
 * @throws NotPublished when the message cannot be published for now
 */
export async function publishDeadLetter(givenUp: GivenUp, publisher: Publisher, logger: Logger): Promise<boolean> {
  const { message, queue } = givenUp;
  const bytes = message.content.length;
  if (bytes > maxMessageBytes) {
    logger.warn({ bytes }, 'the message is too large to be published to the dead-letter queue');
    return false;
  }
  try {
    const properties = deadLetterProperties(givenUp);
    const routingKey = deadLetterQueueOf(queue);
    await publisher.publish({ exchange: '', routingKey, content: message.content, properties });
    return true;
  } catch (error) {
    if (error instanceof NotPublished) throw error;
    logger.warn({ err: error }, 'the message can never be published to the dead-letter queue');
    return false;
  }
}

/**
 * Leaves out `userId` and `replyTo`, since the broker refuses some of their values, and `expiration`, since a dead
 * letter stays until an operator replays or discards it.
 */
function deadLetterProperties({ message, reason, attempts }: GivenUp): Options.Publish & { messageId: string } {
  const { fields, properties } = message;
  const { contentType, contentEncoding, correlationId, messageId, type, appId, timestamp, priority } =
    properties as unknown as Record<string, unknown>;
  const own = pick(
    { contentType, contentEncoding, correlationId, messageId, type, appId, timestamp, priority },
    (value) => (typeof value === 'string' ? isShortString(value) : isEncodable(value) && Number(value) >= 0),
  );
  let bytesLeft = maxSenderHeaderBytes;
  const headers = pick(withoutCopies(properties.headers ?? {}), (value, name) => {
    const bytes = Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 8);
    if (!isShortString(name) || !isEncodable(value) || bytes > bytesLeft) return false;
    bytesLeft -= bytes;
    return true;
  });
  const omitted = boundedText([...own.omitted, ...headers.omitted].join(', '));
  return {
    ...own.kept,
    // A sender may publish without an id, but the publisher needs one to match a return to its message.
    messageId: typeof messageId === 'string' && isShortString(messageId) ? messageId : randomUUID(),
    headers: {
      ...headers.kept,
      'x-dead-letter-reason': boundedText(reason),
      'x-dead-letter-attempts': attempts,
      'x-dead-letter-at': new Date().toISOString(),
      ...(omitted && { 'x-dead-letter-omitted': omitted }),
      'x-original-exchange': fields.exchange,
      'x-original-routing-key': fields.routingKey,
    },
  };
}

function withoutCopies(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isCopyHeader(name)));
}

/** Returns the defined entries that `isAllowed` accepts, and the names of the other defined ones. */
function pick(entries: Readonly<Record<string, unknown>>, isAllowed: (value: unknown, name: string) => boolean) {
  const present = Object.entries(entries).filter(([, value]) => value !== undefined);
  const kept: [string, unknown][] = [];
  const omitted: string[] = [];
  for (const [name, value] of present) {
    if (isAllowed(value, name)) kept.push([name, value]);
    else omitted.push(name);
  }
  return { kept: Object.fromEntries(kept), omitted };
}

function isShortString(text: string): boolean {
  return Buffer.byteLength(text) <= maxShortStringBytes;
}

/**
 * Returns true for a value that amqplib is certain to write as it has read it. Tables and arrays are not, since the
 * sender controls their depth, their names and the type tags in them. Nor are numbers in which JavaScript has lost
 * digits.
 */
function isEncodable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || Math.abs(value) < 2 ** 50;
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}
