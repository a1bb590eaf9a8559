import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { crashPoint } from '../runtime/crash-point.js';
import type { Logger } from '../runtime/logger.js';
import { closeWithChannel, keepConnected } from './connection.js';
import { NotPublished, type Publisher } from './publisher.js';
import { deadLetterQueueOf, declareTopology, type Topology } from './topology.js';

/** What a consumer counts; for metrics. */
export interface DeliveryCounts {
  /** A delivery that has ended: its work committed, parked, or given back because the subscription was lost. */
  ended(queue: string, end: 'handled' | 'parked' | 'given back'): void;
  /** An attempt that was not the last: it failed by itself, or something it needs is away. */
  retried(queue: string, why: 'failure' | 'outage'): void;
}

export interface ConsumerOptions {
  readonly url: string;
  readonly name: string;
  readonly topology: Topology;
  readonly queue: string;
  /** How many messages are worked on at the same time. */
  readonly prefetch: number;
  /** Parks what cannot be handled; on a connection of its own, since an alarm that blocks it must not stop the acks. */
  readonly publisher: Publisher;
  /** Returns when the message's work is committed; it is acknowledged then. Throws when it could not be done. */
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

/** How often a message that fails by itself is tried before it is parked, and how long to wait in between. */
const attemptLimit = 3;
const attemptDelayMs = 200;
/** The wait while something the work needs is away; nobody's attempts are used up meanwhile. */
const outageDelayMs = { first: 200, longest: 5000 };
/** How long closing waits for messages under way; what is not done by then is delivered again elsewhere. */
const drainTimeoutMs = 6000;
const answerTimeoutMs = 2000;

/** One subscription: its channel and everything held on it are lost together, and replaced after a reconnect. */
interface Subscription {
  readonly channel: Channel;
  readonly lost: AbortSignal;
  /** Resolves for one message in each turn of the event loop. */
  readonly turn: () => Promise<void>;
}

/**
 * Consumes one queue and keeps at it through every outage. Each message ends in one of three ways: acknowledged after
 * its work is committed; parked in the dead-letter queue with the reason after 3 failed attempts; or left
 * unacknowledged, when the connection or the process goes away, so that the broker delivers it again.
 */
export async function createConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { queue, logger } = options;
  const inFlight = new Set<Promise<void>>();
  const closing = new AbortController();
  let current: { channel: Channel; consumerTag: string } | undefined;

  const connection = await keepConnected(options.url, options.name, logger, async (model) => {
    const channel = await model.createChannel();
    closeWithChannel(model, channel, logger);
    const channelLost = new AbortController();
    channel.once('close', () => channelLost.abort());
    let line: Promise<void> = Promise.resolve();
    const turn = () => (line = line.then(() => nextTurn()));
    const subscription = { channel, lost: AbortSignal.any([channelLost.signal, closing.signal]), turn };
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

/** Works on one message until it is acknowledged, parked, or the subscription is lost. Never throws. */
async function settle(message: ConsumeMessage, subscription: Subscription, options: ConsumerOptions): Promise<void> {
  const messageId: unknown = message.properties.messageId;
  // Made when there is something to say: nearly every message goes through without a word from here.
  const about = (): Logger => options.log(message).child({ queue: options.queue, message_id: messageId });
  const failures: unknown[] = [];
  let outageWaitMs = outageDelayMs.first;
  while (!subscription.lost.aborted) {
    try {
      const end = await handleOrPark(message, failures, options, about);
      acknowledge(message, subscription.channel, about);
      options.counts?.ended(options.queue, end);
      return;
    } catch (error) {
      const outage = error instanceof NotPublished || options.isOutage(error);
      const waitMs = outage ? outageWaitMs : attemptDelayMs;
      options.counts?.retried(options.queue, outage ? 'outage' : 'failure');
      if (outage) {
        about().warn({ err: error, wait_ms: waitMs }, 'something the message needs is away, it waits');
        outageWaitMs = Math.min(outageWaitMs * 2, outageDelayMs.longest);
      } else {
        failures.push(error);
        about().error({ err: error, attempt: failures.length }, 'the message failed');
      }
      await sleep(waitMs, undefined, { signal: subscription.lost }).catch(() => undefined);
      // A thousand that failed together are not tried again together: requests would have to wait for all of them.
      await subscription.turn();
    }
  }
  options.counts?.ended(options.queue, 'given back');
}

/** Does the message's work; once it has failed too often, parks it in the dead-letter queue with the last reason. */
async function handleOrPark(
  message: ConsumeMessage,
  failures: readonly unknown[],
  { handle, publisher, queue }: ConsumerOptions,
  about: () => Logger,
): Promise<'handled' | 'parked'> {
  if (failures.length < attemptLimit) {
    await handle(message);
    return 'handled';
  }
  const last = failures.at(-1);
  const reason = last instanceof Error ? `${last.name}: ${last.message}` : String(last);
  await publisher.publish({
    exchange: '',
    routingKey: deadLetterQueueOf(queue),
    content: message.content,
    properties: {
      ...message.properties,
      // Others may publish without an id, but a park is only sure when its confirm can be told from the rest.
      messageId: String(message.properties.messageId ?? randomUUID()),
      userId: undefined as unknown as string, // the broker refuses a message in another user's name
      expiration: undefined as unknown as string, // a parked message stays until somebody decides
      headers: {
        ...message.properties.headers,
        'x-dead-letter-reason': reason.slice(0, 1000),
        'x-dead-letter-attempts': failures.length,
        'x-dead-letter-at': new Date().toISOString(),
        'x-original-exchange': message.fields.exchange,
        'x-original-routing-key': message.fields.routingKey,
      },
    },
  });
  about().error({ reason, dead_letter_queue: deadLetterQueueOf(queue) }, 'the message was parked');
  return 'parked';
}

function acknowledge(message: ConsumeMessage, channel: Channel, about: () => Logger): void {
  try {
    crashPoint('acknowledge.before');
    channel.ack(message);
    crashPoint('acknowledge.after');
  } catch (error) {
    // The channel is gone, so the broker delivers the message again; the inbox makes that harmless.
    about().warn({ err: error }, 'the message could not be acknowledged, it will come again');
  }
}
