import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Server as NetServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type Koa from 'koa';
import type { RequestState } from './http-app.js';

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

/**
 * Serves `app` at `host:port` (0 picks a free port).
 * @throws Error with what to do when the port is taken
 */
export async function listen(app: Koa<RequestState>, host: string, port: number): Promise<HttpServer> {
  let draining = false;
  let lastRequestAt = 0;
  const handle = app.callback();
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 10_000 },
    (req, res) => {
      lastRequestAt = performance.now();
      // A closed server goes on serving a connection that is kept alive, unless it is told to end with this answer.
      if (draining) res.setHeader('Connection', 'close');
      void handle(req, res);
    },
  );
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
