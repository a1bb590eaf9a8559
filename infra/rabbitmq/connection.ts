import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { connect, type ChannelModel } from 'amqplib';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';

/** A connection that is kept: lost, it comes back by itself with everything `setup` had made on it. */
export interface RabbitmqConnection {
  isUp(): boolean;
  /** Closes for good, within 3 s even when the broker no longer answers. Closing twice is fine. */
  close(): Promise<void>;
}

const heartbeatSeconds = 5;
const connectTimeoutMs = 5000;
const setupTimeoutMs = 10_000;
const closeTimeoutMs = 3000;
const maxRetryDelayMs = 5000;

/**
 * Opens a connection in the background, runs `setup` on it, and does both again after every loss, waiting 100 ms
 * growing by 2 to 5 s between tries, for ever. Returns at once: a broker that is away is a state, not an error.
 *
 * amqplib's recovery reconnects but restores no channel, consumer or queue, so all of it belongs into `setup`; and it
 * does not notice a lost channel, so `setup` hands each of its channels to `closeWithChannel`.
 */
export async function keepConnected(
  url: string,
  name: string,
  logger: Logger,
  setup: (model: ChannelModel) => Promise<void>,
): Promise<RabbitmqConnection> {
  let up = false;
  const recovering = await connect(withHeartbeat(url), {
    timeout: connectTimeoutMs,
    noDelay: true,
    clientProperties: { connection_name: name },
    recovery: {
      initialDelay: 100,
      maxDelay: maxRetryDelayMs,
      waitForConnect: false,
      setup: (model: ChannelModel) => setUp(model, logger, setup),
    },
  });
  recovering.on('connect', () => {
    up = true;
    logger.info({ connection: name }, 'connected to RabbitMQ');
  });
  recovering.on('disconnect', (error: Error) => {
    up = false;
    logger.warn({ err: error, connection: name }, 'lost the connection to RabbitMQ');
  });
  recovering.on('connect-failed', (error: Error) => {
    logger.warn({ err: error, connection: name }, 'RabbitMQ is away, trying again');
  });
  recovering.on('error', (error: Error) => logger.warn({ err: error, connection: name }, 'RabbitMQ connection error'));
  return {
    isUp: () => up,
    close: async () => {
      up = false;
      // A broker that froze never answers the close; the heartbeat ends the socket some seconds later.
      await Promise.race([recovering.close(), sleep(closeTimeoutMs, undefined, { ref: false })]);
    },
  };
}

async function setUp(model: ChannelModel, logger: Logger, setup: (model: ChannelModel) => Promise<void>) {
  // Without this listener a socket that breaks during setup ends the process, and recovery with it.
  model.on('error', (error) => logger.warn({ err: error }, 'RabbitMQ connection error'));
  const lost = new AbortController();
  model.once('close', () => lost.abort());
  await withDeadline('setting up channels and queues', setupTimeoutMs, setup(model));
  // Recovery listens for the loss of a connection only once setup is over. One that was lost in the very turn that
  // ended setup would go unnoticed for ever; failing setup instead makes recovery try again.
  await nextTurn();
  if (lost.signal.aborted) throw new Error('the connection was lost during setup');
}

/**
 * Makes the loss of a channel the loss of its connection, whose recovery then sets up everything anew. A channel is
 * closed by the server for a missing exchange, an expired acknowledgement and the like, and never comes back.
 */
export function closeWithChannel(model: ChannelModel, channel: NodeJS.EventEmitter, logger: Logger): void {
  channel.on('error', (error: Error) => logger.warn({ err: error }, 'RabbitMQ closed a channel'));
  channel.on('close', () => void model.close().catch(() => undefined));
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeatSeconds));
  return parsed.href;
}
