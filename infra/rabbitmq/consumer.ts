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

/** What a consumer counts; for metrics. */
export interface DeliveryCounts {
  /** A delivery that has ended: its work committed, dead-lettered, or given back because the subscription was lost. */
  ended(queue: string, end: 'handled' | 'parked' | 'given back'): void;
  /** An attempt that was not the last: it failed by itself, or something it needs is unavailable. */
  retried(queue: string, why: 'failure' | 'outage'): void;
}

export interface ConsumerOptions {
  readonly url: string;
  readonly name: string;
  readonly topology: Topology;
  readonly queue: string;
  /** How many messages are worked on at the same time. */
  readonly prefetch: number;
  /** Dead-letters what cannot be handled; on a connection of its own, since an alarm that blocks it must not stop the acks. */
  readonly publisher: Publisher;
  /**
   * Returns when the message's work is committed; it is acknowledged then. Throws when it could not be done. It has to
   * end by itself, whatever froze: a message is held for as long as it takes.
   */
  readonly handle: (message: ConsumeMessage) => Promise<void>;
  /** True when a thrown error speaks of an outage and not of the message. */
  readonly isOutage: (error: unknown) => boolean;
  readonly logger: Logger;
  /** The logger for lines about one message. */
  readonly log: (message: ConsumeMessage) => Logger;
  readonly counts?: DeliveryCounts | undefined;
}

export interface Consumer {
  isUp(): boolean;
  /** Takes no further messages, waits for those under way, closes. */
  close(): Promise<void>;
}

/** How often a message that fails by itself is tried before it is dead-lettered, and how long to wait in between. */
const maxAttempts = 3;
const attemptDelayMs = 200;
/** The wait while something the work needs is unavailable; nobody's attempts are used up meanwhile. */
const outageDelayMs = { first: 200, max: 5000 };
/** How long closing waits for messages under way; what is not done by then is delivered again elsewhere. */
const drainTimeoutMs = 6000;
const answerTimeoutMs = 2000;

/** One subscription: its channel and everything held on it are lost together, and replaced after a reconnect. */
interface Subscription {
  readonly channel: Channel;
  readonly lost: AbortSignal;
  readonly outages: OutageLog;
  /** Resolves for one message in each turn of the event loop. */
  readonly turn: () => Promise<void>;
}

/**
 * Consumes one queue and keeps at it through every outage. Each message ends in one of three ways: acknowledged after
 * its work is committed; in the dead-letter queue with the reason after 3 failed attempts; or left
 * unacknowledged, when the connection or the process goes away, so that the broker delivers it again.
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
    let line: Promise<void> = Promise.resolve();
    const turn = () => (line = line.then(() => nextTurn()));
    const subscription = { channel, lost: AbortSignal.any([channelLost.signal, closing.signal]), turn, outages };
    setMaxListeners(0, subscription.lost); // each message that waits out an outage listens to it
    await declareTopology(channel, options.topology);
    await channel.prefetch(options.prefetch);

    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) {
        // The queue was deleted under us, which is no error to the server: reconnecting declares it again.
        logger.warn({ queue }, 'RabbitMQ cancelled the consumer');
        return void model.close().catch(() => undefined);
      }
      const work = settle(message, subscription, options);
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
      if (last) await answered(() => last.channel.cancel(last.consumerTag));
      await Promise.race([Promise.allSettled(inFlight), sleep(drainTimeoutMs, undefined, { ref: false })]);
      closing.abort();
      // The channel first: it answers when it has dealt with the last acknowledgements.
      if (last) await answered(() => last.channel.close());
      await connection.close();
    },
  };
}

/** Asks the broker and waits for its answer, but not for ever: one that froze never answers. A lost channel throws. */
async function answered(request: () => Promise<unknown>): Promise<void> {
  const answer = Promise.resolve()
    .then(request)
    .catch(() => undefined);
  await Promise.race([answer, sleep(answerTimeoutMs, undefined, { ref: false })]);
}

/** Works on one message until it is acknowledged, dead-lettered, or the subscription is lost. Never throws. */
async function settle(message: ConsumeMessage, subscription: Subscription, options: ConsumerOptions): Promise<void> {
  const { lost, outages, turn } = subscription;
  // Made when there is something to say: nearly every message goes through without a word from here.
  const about = (): Logger =>
    options.log(message).child({ queue: options.queue, message_id: message.properties.messageId as unknown });
  const failures: unknown[] = [];
  let outageWaitMs = outageDelayMs.first;
  let end: 'handled' | 'parked' | 'given back' = 'given back';
  while (end === 'given back' && !lost.aborted) {
    try {
      end = await handleOrDeadLetter(message, failures, subscription.channel, options, about);
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
        about().error({ err: error, attempt: failures.length }, 'the message failed');
      }
      await sleep(waitMs, undefined, { signal: lost }).catch(() => undefined);
      // A thousand that failed together are not tried again together: requests would have to wait for all of them.
      await turn();
    }
  }
  outages.over(message);
  options.counts?.ended(options.queue, end);
}

/** Does the message's work; once it has failed too often, moves it to the dead-letter queue with the last reason. */
async function handleOrDeadLetter(
  message: ConsumeMessage,
  failures: readonly unknown[],
  channel: Channel,
  { handle, publisher, queue }: ConsumerOptions,
  about: () => Logger,
): Promise<'handled' | 'parked'> {
  if (failures.length < maxAttempts) {
    await handle(message);
    answer(about, () => channel.ack(message));
    return 'handled';
  }
  const last = failures.at(-1);
  const reason = boundedText(last instanceof Error ? `${last.name}: ${last.message}` : String(last));
  const isPublished = await publishDeadLetter(
    { message, queue, reason, attempts: failures.length },
    publisher,
    about(),
  );
  about().error({ reason }, `the message is dead-lettered${isPublished ? '' : ' by its queue, without the reason'}`);
  answer(about, () => (isPublished ? channel.ack(message) : channel.reject(message, false)));
  return 'parked';
}

function answer(about: () => Logger, send: () => void): void {
  try {
    failpoint('acknowledge.before');
    send();
    failpoint('acknowledge.after');
  } catch (error) {
    // The channel is gone, so the broker delivers the message again; the inbox makes that harmless.
    about().warn({ err: error }, 'the message could not be acknowledged, it will come again');
  }
}
