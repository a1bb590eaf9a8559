import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import { orderTopology } from '../../workflows/order-events.js';
import { deadLetterQueueOf } from '../rabbitmq/topology.js';

/** A parked message, held for as long as its channel is open. */
export interface DeadLetter {
  /** The queue in which it waited for its consumer. */
  readonly queue: string;
  readonly messageId: string;
  readonly type: string;
  /** Of the order it says it is about, if it says so. */
  readonly orderId: string | undefined;
  readonly reason: string;
  readonly attempts: number;
  readonly parkedAt: string;
  readonly message: GetMessage;
}

/** Beyond that they have to be worked off in parts. */
const mostDeadLetters = 10_000;
const notFound = 404;

/**
 * Does something with the parked messages, oldest first. They are held meanwhile, so that two people do not take the same
 * one; all that `work` has not acknowledged are back in their queues afterwards, as they were.
 */
export async function withDeadLetters<T>(
  rabbitmq: ChannelModel,
  work: (letters: readonly DeadLetter[], channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = await rabbitmq.createChannel();
  // Whoever waits for an answer on it gets the error, too.
  channel.on('error', () => undefined);
  try {
    const letters: DeadLetter[] = [];
    for (const { name } of orderTopology.queues) {
      const parked = deadLetterQueueOf(name);
      // Its depth says too little: what somebody has just put back shows there late, and a get finds it.
      if ((await depthOf(rabbitmq, parked)) === undefined) continue;
      while (letters.length < mostDeadLetters) {
        const message = await channel.get(parked);
        if (!message) break;
        letters.push(toDeadLetter(name, message));
      }
    }
    return await work(letters, channel);
  } finally {
    await putBack(channel);
  }
}

/**
 * Said rather than left to the closing, which the broker carries out some time after it has answered: whoever looks next
 * would find nothing.
 */
async function putBack(channel: Channel): Promise<void> {
  try {
    channel.nackAll(true);
    await channel.close();
  } catch {
    // It is closed, so the broker has put them back.
  }
}

export interface QueueDepth {
  readonly queue: string;
  /** Undefined where there is no such queue. */
  readonly waiting: number | undefined;
}

/** How many messages wait in each queue; those that a consumer holds are not among them. */
export async function depths(rabbitmq: ChannelModel): Promise<QueueDepth[]> {
  return Promise.all(
    orderTopology.queues.map(async ({ name }) => ({ queue: name, waiting: await depthOf(rabbitmq, name) })),
  );
}

/** On a channel of its own: asking for a queue that is not there closes the channel. */
async function depthOf(rabbitmq: ChannelModel, queue: string): Promise<number | undefined> {
  const channel = await rabbitmq.createChannel();
  channel.on('error', () => undefined);
  try {
    return (await channel.checkQueue(queue)).messageCount;
  } catch (error) {
    if ((error as { code?: number }).code === notFound) return undefined;
    throw error;
  } finally {
    await channel.close().catch(() => undefined);
  }
}

function toDeadLetter(queue: string, message: GetMessage): DeadLetter {
  const {
    headers = {},
    messageId,
    type,
    correlationId,
  } = message.properties as {
    headers?: Record<string, unknown>;
    messageId?: unknown;
    type?: unknown;
    correlationId?: unknown;
  };
  return {
    queue,
    messageId: text(messageId) ?? '(none)',
    type: text(type) ?? '(none)',
    orderId: text(correlationId) ?? subjectOf(message.content),
    // A message that the broker parked by itself says so in its own header.
    reason: text(headers['x-dead-letter-reason']) ?? text(headers['x-first-death-reason']) ?? '(none)',
    attempts: Number(headers['x-dead-letter-attempts'] ?? 0),
    parkedAt: text(headers['x-dead-letter-at']) ?? '(unknown)',
    message,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function subjectOf(content: Buffer): string | undefined {
  try {
    const body = JSON.parse(content.toString('utf8')) as { subject?: unknown } | null;
    return text(body?.subject);
  } catch {
    return undefined;
  }
}
