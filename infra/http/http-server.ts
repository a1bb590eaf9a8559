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
   * Refuses new connections and answers requests that arrive over open ones, each with `Connection: close`. Closes idle
   * connections once no request has arrived for half a second, and all remaining ones after 5 s.
   */
  stop(): Promise<void>;
}

const drainTimeoutMs = 5000;
const idleSweepMs = 50;
/** A client that sends requests more often than this learns from an answer that its connection is closing. */
const quietLimitMs = 500;
/**
 * How many connections may wait to be accepted. Linux caps this at net.core.somaxconn, which is also 4096 by default.
 * Node's default of 511 overflows when a thousand clients connect at once: the kernel drops the rest, which try again
 * after 1, 3 and 7 s.
 */
const backlog = 4096;

/** How long a client may continue to send after its last answer. */
const lingerMs = 2000;

export interface ConnectionLimits {
  /** Further connections are closed at once. */
  readonly maxConnections: number;
  /** How long a client may take to send the headers, and the whole of a request, before it gets a 408. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a connection may carry no bytes at all, such as one to a client that does not read its answer. */
  readonly idleTimeoutMs: number;
}

const defaultLimits: ConnectionLimits = {
  maxConnections: 5000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  idleTimeoutMs: 30_000,
};

/**
 * Serves `app` at `host:port` (port 0 picks a free one). Resolves when the server is listening.
 * @throws Error that says what to do when the port is in use
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
    // By default Node looks for overdue connections every 30 s, so a deadline of 10 s could take 40 s.
    connectionsCheckingInterval: 1000,
    // The application refuses a request without Host itself, since Node's refusal would have no body.
    requireHostHeader: false,
  });
  server.maxConnections = maxConnections;
  server.timeout = idleTimeoutMs;
  server.on('connection', closeWithoutReset);
  answerMalformedRequests(server);
  const serve = (req: IncomingMessage, res: ServerResponse): void => {
    // A request that arrives after the last answer of its connection must not be processed (RFC 9112 9.6).
    if (!req.socket.writable) return;
    lastRequestAt = performance.now();
    // A closed server continues to serve keep-alive connections unless an answer closes them.
    if (draining) res.setHeader('Connection', 'close');
    void handle(req, res);
  };
  // Without these listeners Node would answer a request with an Expect header itself, whatever its other headers are.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, serve);
  server.maxRequestsPerSocket = 0;
  server.listen({ port, host, backlog });
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(
      `port ${port} on ${host} is in use: stop the process that uses it, or set APP__PORT to another port`,
      {
        cause: error,
      },
    );
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
 * Makes the server close only its own direction of a connection first, and discard what arrives until the client closes
 * too, or for 2 s. By default Node closes the connection as soon as its last answer is written. If the client is still
 * sending, that resets the connection, and the client may never see the answer.
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
  // The close of an HTTP server would also close idle connections, and a request may be on its way over one of them.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const sweep = setInterval(() => {
    // This runs after Node has read what has arrived meanwhile.
    setImmediate(() => isQuiet() && server.closeIdleConnections());
  }, idleSweepMs);
  await Promise.race([closed, sleep(drainTimeoutMs, undefined, { ref: false })]);
  clearInterval(sweep);
  server.closeAllConnections();
}
