import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type Koa from 'koa';
import type { RequestState } from './http-app.js';
import { answerMalformedRequests } from './malformed-requests.js';

export interface HttpServer {
  readonly port: number;
  /**
   * Refuses new connections, answers what comes over those that are there, which ends them, and closes those over which
   * nothing has come for half a second. Closes the others after 5 s.
   */
  stop(): Promise<void>;
}

const drainTimeoutMs = 5000;
const idleSweepMs = 50;
/** A client that uses its connection more often than that learns from an answer that it ends. */
const quietLimitMs = 500;
/**
 * How many connections wait to be accepted; Linux takes it down to net.core.somaxconn, which is as much by default. Node's
 * own 511 is full when a thousand clients come at once: the others are dropped, and try again after 1, 3 and 7 s.
 */
const backlog = 4096;

/** How long a client may go on sending after its last answer. */
const lingerMs = 2000;

export interface ConnectionLimits {
  /** Further connections are closed at once. */
  readonly maxConnections: number;
  /** How long a connection may take to send a request's headers, and all of the request. 408 follows. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long nothing at all may pass over a connection, such as to a client that does not read its answer. */
  readonly idleTimeoutMs: number;
}

const defaultLimits: ConnectionLimits = {
  maxConnections: 5000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  idleTimeoutMs: 30_000,
};

/**
 * Serves `app` at `host:port` (0 picks a free port).
 * @throws Error with what to do when the port is taken
 */
export async function listen(
  app: Koa<RequestState>,
  host: string,
  port: number,
  limits: Partial<ConnectionLimits> = {},
): Promise<HttpServer> {
  const { maxConnections, headersTimeoutMs, requestTimeoutMs, idleTimeoutMs } = { ...defaultLimits, ...limits };
  let draining = false;
  let lastRequestAt = 0;
  const handle = app.callback();
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 10_000,
    // Node looks for what is overdue every 30 s, if it is not told otherwise: a deadline of 10 s would be one of 40.
    connectionsCheckingInterval: 1000,
    // The application refuses a request without Host; Node would without a body.
    requireHostHeader: false,
  });
  server.maxConnections = maxConnections;
  server.timeout = idleTimeoutMs;
  server.on('connection', closeWithoutReset);
  answerMalformedRequests(server);
  const serve = (req: IncomingMessage, res: ServerResponse): void => {
    // What comes after a connection's last answer is not to be processed (RFC 9112 9.6).
    if (!req.socket.writable) return;
    lastRequestAt = performance.now();
    // A closed server goes on serving a connection that is kept alive, unless it is told to end with this answer.
    if (draining) res.setHeader('Connection', 'close');
    void handle(req, res);
  };
  // To a request with an expectation Node would answer by itself, whatever its other headers are.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, serve);
  server.maxRequestsPerSocket = 0;
  server.listen({ port, host, backlog });
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`port ${port} on ${host} is taken: stop what uses it, or set APP__PORT to another one`, {
      cause: error,
    });
  }
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      draining = true;
      await drain(server, () => performance.now() - lastRequestAt > quietLimitMs);
    },
  };
}

/**
 * Node closes a connection as soon as its last answer is written. If the client is sending still, that resets it, and
 * the client may never see the answer. So only our own direction is closed at first; what arrives is thrown away until
 * the client closes, too, or its time is up.
 */
function closeWithoutReset(socket: Socket): void {
  let isClosing = false;
  socket.destroySoon = () => {
    if (isClosing || socket.destroyed) return;
    isClosing = true;
    socket.end();
    const lingering = setTimeout(() => socket.destroy(), lingerMs).unref();
    socket.once('close', () => clearTimeout(lingering));
  };
}

async function drain(server: Server, isQuiet: () => boolean): Promise<void> {
  // An HTTP server's own close also ends the idle connections, over one of which a request may be on its way.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const sweep = setInterval(() => {
    // After what has arrived meanwhile is read.
    setImmediate(() => isQuiet() && server.closeIdleConnections());
  }, idleSweepMs);
  await Promise.race([closed, sleep(drainTimeoutMs, undefined, { ref: false })]);
  clearInterval(sweep);
  server.closeAllConnections();
}
