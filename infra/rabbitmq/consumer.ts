import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { failpoint } from '../runtime/failpoint.js';
import { boundedText } from '../runtime/bounded-text.js';
import type { Logger } from '../runtime/logger.js';
import { closeWithChannel, keepConnected } from './connection.js';
import { publishDeadLetter } from './dead-letter.js';
import { createOutageLog, type OutageLog } from './outage-log.js';
import { NotPublished, type Publisher } from './publisher.js';
import { declareTopology, type Topology } from './topology.js';

/** Receives the counts of a consumer, for metrics. */
export interface DeliveryCounts {
  /** Counts a delivery that ended: acknowledged, dead-lettered, or requeued because the subscription was lost. */
  ended(queue: string, outcome: 'acked' | 'dead_lettered' | 'requeued'): void;
  /** Counts an attempt that did not end its delivery: it failed by itself, or a dependency is unavailable. */
  retried(queue: string, reason: 'failure' | 'outage'): void;
}

export interface ConsumerOptions {
  readonly url: string;
  readonly name: string;
  readonly topology: Topology;
  readonly queue: string;
  /** How many messages are handled at the same time. */
  readonly prefetch: number;
  /** Dead-letters messages. It must have its own connection, since an alarm that blocks it must not block acks. */
  readonly publisher: Publisher;
  /**
   * Handles a message. It resolves once the work is committed, and the message is then acknowledged. It throws if the
   * work could not be done. It must end by itself whatever is frozen, since the message is held until then.
   */
  readonly handle: (message: ConsumeMessage) => Promise<void>;
  /** Returns true if an error means an outage and not that the message is bad. */
  readonly isOutage: (error: unknown) => boolean;
  readonly logger: Logger;
  /** Returns the logger for lines about one message. */
  readonly log: (message: ConsumeMessage) => Logger;
  readonly counts?: DeliveryCounts | undefined;
}

export interface Consumer {
  isUp(): boolean;
  /** Stops taking messages, waits up to 6 s for those in flight, and closes the connection. */
  close(): Promise<void>;
}

/** How many attempts a message that fails by itself gets before it is dead-lettered, and the delay between them. */
const maxAttempts = 3;
const attemptDelayMs = 200;
/** The delay between attempts during an outage. It doubles each time; such attempts do not use up `maxAttempts`. */
const outageDelayMs = { first: 200, max: 5000 };
/** How long closing waits for messages in flight. Those that are not done by then are redelivered elsewhere. */
const drainTimeoutMs = 6000;
const replyTimeoutMs = 2000;

/** One subscription. Its channel and the messages held on it are lost together and replaced after a reconnect. */
interface Subscription {
  readonly channel: Channel;
  readonly lost: AbortSignal;
  readonly outages: OutageLog;
  /** Resolves for one message per event loop turn. */
  readonly turn: () => Promise<void>;
}

/**
 * Consumes one queue and continues through every outage. Each delivery ends in one of three ways: it is acknowledged
 * after its work is committed; its message is moved to the dead-letter queue with the reason after 3 failed attempts;
 * or it stays unacknowledged because the connection or the process is lost, so that the broker redelivers the message.
 */
export async function createConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { queue, logger } = options;
  const inFlight = new Set<Promise<void>>();
  const closing = new AbortController();
  const outages = createOutageLog(queue, outageDelayMs.max, logger);
  let current: { channel: Channel; consumerTag: string } | undefined;

  const connection = await keepConnected(options.url, options.name, logger, async (model) => {
    const channel = await model.createChannel();
    closeWithChannel(model, channel, logger);
    const channelLost = new AbortController();
    channel.once('close', () => channelLost.abort());
    let lastTurn: Promise<void> = Promise.resolve();
    const turn = () => (lastTurn = lastTurn.then(() => nextTurn()));
    const subscription = { channel, lost: AbortSignal.any([channelLost.signal, closing.signal]), turn, outages };
    setMaxListeners(0, subscription.lost); // each message that waits for an outage to end listens to it
    await declareTopology(channel, options.topology);
    await channel.prefetch(options.prefetch);

    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) {
        // The queue was deleted, which the server does not treat as an error. Reconnecting declares it again.
        logger.warn({ queue }, 'RabbitMQ cancelled the consumer');
        return void model.close().catch(() => undefined);
      }
      const work = handleDelivery(message, subscription, options);
      inFlight.add(work);
      void work.finally(() => inFlight.delete(work));
    };
    const { consumerTag } = await channel.consume(queue, onMessage, { noAck: false });
    current = { channel, consumerTag };
  });

  return {
    isUp: () => connection.isUp(),
    close: async () => {
      const last = current;
      current = undefined;
      if (last) await waitForReply(() => last.channel.cancel(last.consumerTag));
      await Promise.race([Promise.allSettled(inFlight), sleep(drainTimeoutMs, undefined, { ref: false })]);
      closing.abort();
      // Close the channel first: its reply means that the broker has processed the last acknowledgements.
      if (last) await waitForReply(() => last.channel.close());
      await connection.close();
    },
  };
}

/** Waits for the broker's reply for at most 2 s, since a frozen broker never replies. Ignores errors. */
async function waitForReply(request: () => Promise<unknown>): Promise<void> {
  const reply = Promise.resolve()
    .then(request)
    .catch(() => undefined);
  await Promise.race([reply, sleep(replyTimeoutMs, undefined, { ref: false })]);
}

/** Handles one delivery until it is acknowledged or dead-lettered, or the subscription is lost. Never throws. */
async function handleDelivery(
  message: ConsumeMessage,
  subscription: Subscription,
  options: ConsumerOptions,
): Promise<void> {
  const { lost, outages, turn } = subscription;
  // The logger is created only when it is needed, since nearly every message is handled without a log line from here.
  const messageLogger = (): Logger =>
    options.log(message).child({ queue: options.queue, message_id: message.properties.messageId as unknown });
  const failures: unknown[] = [];
  let outageWaitMs = outageDelayMs.first;
  let outcome: 'acked' | 'dead_lettered' | 'requeued' = 'requeued';
  while (outcome === 'requeued' && !lost.aborted) {
    try {
      outcome = await handleOrDeadLetter(message, failures, subscription.channel, options, messageLogger);
    } catch (error) {
      const outage = error instanceof NotPublished || options.isOutage(error);
      const waitMs = outage ? outageWaitMs : attemptDelayMs;
      options.counts?.retried(options.queue, outage ? 'outage' : 'failure');
      if (outage) {
        outages.waits(message, error);
        outageWaitMs = Math.min(outageWaitMs * 2, outageDelayMs.max);
      } else {
        outages.over(message);
        failures.push(error);
        messageLogger().error({ err: error, attempt: failures.length }, 'an attempt to handle the message failed');
      }
      await sleep(waitMs, undefined, { signal: lost }).catch(() => undefined);
      // If a thousand messages that failed together were retried in one turn, requests would have to wait for all.
      await turn();
    }
  }
  outages.over(message);
  options.counts?.ended(options.queue, outcome);
}

/** Handles the message or, once it has failed `maxAttempts` times, dead-letters it with the last reason. */
async function handleOrDeadLetter(
  message: ConsumeMessage,
  failures: readonly unknown[],
  channel: Channel,
  { handle, publisher, queue }: ConsumerOptions,
  messageLogger: () => Logger,
): Promise<'acked' | 'dead_lettered'> {
  if (failures.length < maxAttempts) {
    await handle(message);
    acknowledge(messageLogger, () => channel.ack(message));
    return 'acked';
  }
  const last = failures.at(-1);
  const reason = boundedText(last instanceof Error ? `${last.name}: ${last.message}` : String(last));
  const isPublished = await publishDeadLetter(
    { message, queue, reason, attempts: failures.length },
    publisher,
    messageLogger(),
  );
  messageLogger().error(
    { reason },
    isPublished ? 'dead-lettered the message' : 'rejected the message; its queue dead-letters it without the reason',
  );
  acknowledge(messageLogger, () => (isPublished ? channel.ack(message) : channel.reject(message, false)));
  return 'dead_lettered';
}

/** Sends the acknowledgement or rejection of a delivery. Never throws. */
function acknowledge(messageLogger: () => Logger, send: () => void): void {
  try {
    failpoint('acknowledge.before');
    send();
    failpoint('acknowledge.after');
  } catch (error) {
    // The channel is lost, so the broker redelivers the message. The inbox makes that harmless.
    messageLogger().warn({ err: error }, 'the message could not be acknowledged; it will be redelivered');
  }
}
