import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import { orderTopology } from '../../workflows/order-events.js';
import { deadLetterQueueOf } from '../rabbitmq/topology.js';

/** A dead-lettered message. It stays unacknowledged for as long as its channel is open. */
export interface DeadLetter {
  /** The queue whose consumer could not handle it. */
  readonly queue: string;
  readonly messageId: string;
  readonly type: string;
  /** The id of the order that the message names; undefined when it names none. */
  readonly orderId: string | undefined;
  readonly reason: string;
  readonly attempts: number;
  readonly deadLetteredAt: string;
  readonly message: GetMessage;
}

/** One call handles at most this many; an operator handles a larger number in several calls. */
const maxDeadLetters = 10_000;
const notFound = 404;

/**
 * Passes the dead-lettered messages, the oldest first, to `work`. They stay unacknowledged meanwhile, so two operators
 * never act on the same message. Messages that `work` does not acknowledge return to their queues unchanged.
 */
export async function withDeadLetters<T>(
  rabbitmq: ChannelModel,
  work: (deadLetters: readonly DeadLetter[], channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = await rabbitmq.createChannel();
  // The call that waits on this channel is rejected with the same error.
  channel.on('error', () => undefined);
  try {
    const deadLetters: DeadLetter[] = [];
    for (const { name } of orderTopology.queues) {
      const queue = deadLetterQueueOf(name);
      // The reported depth lags behind messages that were just requeued, so only a get shows that the queue is empty.
      if ((await depthOf(rabbitmq, queue)) === undefined) continue;
      while (deadLetters.length < maxDeadLetters) {
        const message = await channel.get(queue);
        if (!message) break;
        deadLetters.push(toDeadLetter(name, message));
      }
    }
    return await work(deadLetters, channel);
  } finally {
    await requeueAll(channel);
  }
}

/**
 * Requeues the messages explicitly. Otherwise the broker would requeue them some time after it has confirmed that the
 * channel is closed, and the next listing would find the queue empty.
 */
async function requeueAll(channel: Channel): Promise<void> {
  try {
    channel.nackAll(true);
    await channel.close();
  } catch {
    // The channel is closed, so the broker has requeued them.
  }
}

export interface QueueDepth {
  readonly queue: string;
  /** Undefined when there is no such queue. */
  readonly waiting: number | undefined;
}

/** Returns how many messages are ready in each queue. Unacknowledged messages do not count. */
export async function depths(rabbitmq: ChannelModel): Promise<QueueDepth[]> {
  return Promise.all(
    orderTopology.queues.map(async ({ name }) => ({ queue: name, waiting: await depthOf(rabbitmq, name) })),
  );
}

/** Uses its own channel, because the broker closes a channel that asks for a missing queue. */
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
    // The broker sets its own header on a message that it dead-letters itself.
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
