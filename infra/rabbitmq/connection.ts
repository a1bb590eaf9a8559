import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { connect, type ChannelModel } from 'amqplib';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';

/** A connection that reconnects after a loss and restores everything that `setup` creates on it. */
export interface RabbitmqConnection {
  isUp(): boolean;
  /** Closes the connection for good, within 3 s even if the broker does not respond. It may be called twice. */
  close(): Promise<void>;
}

const heartbeatSeconds = 5;
const connectTimeoutMs = 5000;
const setupTimeoutMs = 10_000;
const closeTimeoutMs = 3000;
const maxRetryDelayMs = 5000;

/**
 * Opens a connection in the background, runs `setup` on it, and repeats both after every loss, indefinitely. The delay
 * between attempts starts at 100 ms and doubles up to 5 s. It returns at once, even while the broker is
 * unavailable.
 *
 * The recovery of amqplib reconnects but restores no channel, consumer or queue, so all of them belong in `setup`. It
 * does not notice a lost channel either, so `setup` must pass each of its channels to `closeWithChannel`.
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
    logger.warn({ err: error, connection: name }, 'RabbitMQ unavailable, reconnecting');
  });
  recovering.on('error', (error: Error) => logger.warn({ err: error, connection: name }, 'RabbitMQ connection error'));
  return {
    isUp: () => up,
    close: async () => {
      up = false;
      // A frozen broker never confirms the close; the heartbeat closes the socket some seconds later.
      await Promise.race([recovering.close(), sleep(closeTimeoutMs, undefined, { ref: false })]);
    },
  };
}

async function setUp(model: ChannelModel, logger: Logger, setup: (model: ChannelModel) => Promise<void>) {
  // Without this listener, a socket that breaks during setup would end the process, and recovery with it.
  model.on('error', (error) => logger.warn({ err: error }, 'RabbitMQ connection error'));
  const lost = new AbortController();
  model.once('close', () => lost.abort());
  await withDeadline('setting up channels and queues', setupTimeoutMs, setup(model));
  // Recovery listens for the loss of a connection only once setup is over. It would never notice a loss in the same
  // event loop turn that ends setup; failing setup in that case makes recovery try again.
  await nextTurn();
  if (lost.signal.aborted) throw new Error('the connection was lost during setup');
}

/**
 * Closes the connection when one of its channels is lost, so that recovery sets up everything again. The server closes
 * a channel for reasons such as a missing exchange or an expired acknowledgement, and a closed channel never reopens.
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
