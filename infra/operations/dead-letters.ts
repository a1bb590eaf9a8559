import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import { orderTopology } from '../../workflows/order-events.js';
import { deadLetterQueueOf } from '../rabbitmq/topology.js';

/** A dead-lettered message, held for as long as its channel is open. */
export interface DeadLetter {
  /** The queue whose consumer could not handle it. */
  readonly queue: string;
  readonly messageId: string;
  readonly type: string;
  /** The order that it names, if it names one. */
  readonly orderId: string | undefined;
  readonly reason: string;
  readonly attempts: number;
  readonly deadLetteredAt: string;
  readonly message: GetMessage;
}

/** More of them have to be handled in parts. */
const maxDeadLetters = 10_000;
const notFound = 404;

/**
 * Works with the dead-lettered messages, the oldest first. They are held meanwhile, so that two people never act on the same
 * one; those that `work` has not acknowledged are in their queues again afterwards, unchanged.
 */
export async function withDeadLetters<T>(
  rabbitmq: ChannelModel,
  work: (deadLetters: readonly DeadLetter[], channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = await rabbitmq.createChannel();
  // The call that is waiting on this channel is rejected with the same error.
  channel.on('error', () => undefined);
  try {
    const deadLetters: DeadLetter[] = [];
    for (const { name } of orderTopology.queues) {
      const queue = deadLetterQueueOf(name);
      // The reported depth lags behind what was just put back, so only a get says that the queue is empty.
      if ((await depthOf(rabbitmq, queue)) === undefined) continue;
      while (deadLetters.length < maxDeadLetters) {
        const message = await channel.get(queue);
        if (!message) break;
        deadLetters.push(toDeadLetter(name, message));
      }
    }
    return await work(deadLetters, channel);
  } finally {
    await putBack(channel);
  }
}

/**
 * Puts the messages back explicitly: the broker would do so some time after it has confirmed the closing, and the next look
 * at the queue would find nothing.
 */
async function putBack(channel: Channel): Promise<void> {
  try {
    channel.nackAll(true);
    await channel.close();
  } catch {
    // The channel is closed, so the broker has put them back.
  }
}

export interface QueueDepth {
  readonly queue: string;
  /** Undefined when there is no such queue. */
  readonly waiting: number | undefined;
}

/** How many messages wait in each queue, without those that a consumer holds. */
export async function depths(rabbitmq: ChannelModel): Promise<QueueDepth[]> {
  return Promise.all(
    orderTopology.queues.map(async ({ name }) => ({ queue: name, waiting: await depthOf(rabbitmq, name) })),
  );
}

/** Uses a channel of its own: asking for a queue that does not exist closes the channel. */
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
    // A message that the broker has dead-lettered has a header of the broker's.
    reason: text(headers['x-dead-letter-reason']) ?? text(headers['x-first-death-reason']) ?? '(none)',
    attempts: Number(headers['x-dead-letter-attempts'] ?? 0),
    deadLetteredAt: text(headers['x-dead-letter-at']) ?? '(unknown)',
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
