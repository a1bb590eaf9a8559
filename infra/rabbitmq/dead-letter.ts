import { randomUUID } from 'node:crypto';
import type { ConsumeMessage, Options } from 'amqplib';
import { boundedText } from '../runtime/bounded-text.js';
import type { Logger } from '../runtime/logger.js';
import { NotPublished, type Publisher } from './publisher.js';
import { deadLetterQueueOf } from './topology.js';

/** A message that its consumer has given up, and why. */
export interface GivenUp {
  readonly message: ConsumeMessage;
  /** The queue it was consumed from. */
  readonly queue: string;
  readonly reason: string;
  readonly attempts: number;
}

/** The `max_message_size` of our brokers. Publishing more than a broker allows closes the channel, with all that is on it. */
export const maxMessageBytes = 1_048_576;
/** Enough for a trace and a tenant; amqplib writes no more than 64 KiB of headers at all. */
const maxForeignHeaderBytes = 8192;
/** What AMQP calls a short string: most properties, and the names of headers. */
const maxShortStringBytes = 255;

/** The sender's wish to have the message copied to further queues; it has been fulfilled and must not be once more. */
export function isCopyHeader(name: string): boolean {
  return name === 'CC' || name === 'BCC';
}

/**
 * Puts a message into the dead-letter queue of the queue it came from, with the reason in its headers. What cannot be
 * carried along is left out and named in `x-dead-letter-omitted`.
 * @returns false when it can never be published, however often that is tried: the consumer has to reject it then
 * @throws NotPublished when it cannot be published for now
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

/** Without `userId` and `replyTo`, some of which the broker refuses, and `expiration`: a dead letter stays until somebody decides. */
function deadLetterProperties({ message, reason, attempts }: GivenUp): Options.Publish & { messageId: string } {
  const { fields, properties } = message;
  const { contentType, contentEncoding, correlationId, messageId, type, appId, timestamp, priority } =
    properties as unknown as Record<string, unknown>;
  const own = carry(
    { contentType, contentEncoding, correlationId, messageId, type, appId, timestamp, priority },
    (value) => (typeof value === 'string' ? isShortString(value) : isEncodable(value) && Number(value) >= 0),
  );
  let bytesLeft = maxForeignHeaderBytes;
  const headers = carry(withoutCopies(properties.headers ?? {}), (value, name) => {
    const bytes = Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 8);
    if (!isShortString(name) || !isEncodable(value) || bytes > bytesLeft) return false;
    bytesLeft -= bytes;
    return true;
  });
  const omitted = boundedText([...own.omitted, ...headers.omitted].join(', '));
  return {
    ...own.carried,
    // Others may publish without an id, but a dead letter's confirm must be told from the rest.
    messageId: typeof messageId === 'string' && isShortString(messageId) ? messageId : randomUUID(),
    headers: {
      ...headers.carried,
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

/** Those entries that are set and may be carried, and the names of the others. */
function carry(entries: Readonly<Record<string, unknown>>, mayBe: (value: unknown, name: string) => boolean) {
  const present = Object.entries(entries).filter(([, value]) => value !== undefined);
  const carried: [string, unknown][] = [];
  const omitted: string[] = [];
  for (const [name, value] of present) {
    if (mayBe(value, name)) carried.push([name, value]);
    else omitted.push(name);
  }
  return { carried: Object.fromEntries(carried), omitted };
}

function isShortString(text: string): boolean {
  return Buffer.byteLength(text) <= maxShortStringBytes;
}

/**
 * True for what amqplib is sure to write as it has read it. Tables and arrays are not: their depth, their names and the
 * type tags in them are the sender's. Nor are numbers in which JavaScript has lost digits.
 */
function isEncodable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || Math.abs(value) < 2 ** 50;
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}
