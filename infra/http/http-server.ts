import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type Koa from 'koa';
import type { RequestState } from './http-app.js';

export interface HttpServer {
  readonly port: number;
  /** Refuses new connections, lets requests under way finish (5 s at most), closes. */
  stop(): Promise<void>;
}

const drainTimeoutMs = 5000;
const idleSweepMs = 50;
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
  const handle = app.callback();
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 10_000 },
    (req, res) => {
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
      await drain(server);
    },
  };
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection may fall idle at any time from now on, if its last answer was begun before draining was.
  const sweep = setInterval(() => server.closeIdleConnections(), idleSweepMs);
  await Promise.race([closed, sleep(drainTimeoutMs, undefined, { ref: false })]);
  clearInterval(sweep);
  server.closeAllConnections();
}
