import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { anOrder } from '../e2e/system.js';

/** What clients observed of the order API under load. */
export interface LoadReport {
  /** The ids of the orders that were answered with 201 or, after a repeat, with 200. */
  readonly accepted: readonly string[];
  /** How many answers asked the client to retry later. */
  readonly refused: number;
  /** How many requests were refused at the connection, because no order API listened. */
  readonly unreached: number;
  /** How many requests ended without an answer for another reason. */
  readonly brokenOff: number;
  /** Descriptions of what must not happen: requests without an answer in time, and answers of an unexpected kind. */
  readonly wrong: readonly string[];
  readonly slowestMs: number;
}

export interface Load {
  /** Places no new orders, and resolves when every order in progress is accepted or given up. */
  stop(): Promise<LoadReport>;
}

export interface LoadOptions {
  /** Returns the base URL for the next request. */
  readonly urlOf: () => string;
  readonly ordersPerSecond: number;
  /** True when a client repeats its order until it is accepted; false when it tries only once. */
  readonly repeat: boolean;
  /**
   * The number of connections, each of which carries one request at a time. All of them are opened before the first
   * order: Node accepts one connection per turn of its event loop, so under overload new connections wait for many
   * turns. By default a client that finds no free connection opens one.
   */
  readonly connections?: number;
}

/** This many orders arrive at once, so that some share a workflow. */
const ordersAtOnce = 10;
/** After this many orders the load yields to the event loop, which then processes the answers. */
const ordersPerTurn = 100;
/** More clients would measure the client and not the service. */
const usualMaxClients = 4000;
/** The order API promises 3 s; the rest allows for a machine that is busy with the fault. */
const answerLimitMs = 5000;
const repeatMs = 100;
const giveUpMs = 240_000;

interface Seen {
  readonly wrong: string[];
  refused: number;
  unreached: number;
  brokenOff: number;
  slowestMs: number;
}

/** Sends the order once. Returns how long to wait before the next attempt in ms, or undefined when it is accepted. */
async function attempt(url: string, body: string, dispatcher: Agent, seen: Seen): Promise<number | undefined> {
  const startedAt = performance.now();
  try {
    // fetch would take several times the CPU, and the overload comes from the same machine.
    const {
      statusCode,
      headers,
      body: answer,
    } = await request(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(answerLimitMs),
      dispatcher,
    });
    const text = await answer.text();
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt);
    if (statusCode === 200 || statusCode === 201) return undefined;
    const retryAfterSeconds = Number(headers['retry-after']);
    const isClean =
      [429, 503].includes(statusCode) &&
      retryAfterSeconds > 0 &&
      headers['content-type'] === 'application/problem+json';
    if (!isClean) seen.wrong.push(`${statusCode} ${text.slice(0, 300)}`);
    seen.refused += 1;
    return Math.max(retryAfterSeconds * 1000 || 0, repeatMs);
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') seen.wrong.push(`no answer within ${answerLimitMs} ms`);
    if ((error as { code?: string }).code === 'ECONNREFUSED') seen.unreached += 1;
    else seen.brokenOff += 1;
    return repeatMs;
  }
}

/**
 * Places orders as clients should. Unless `repeat` is false, each order is repeated unchanged until it is accepted, for
 * at most 240 s and no sooner than the answer asks for.
 */
export function startLoad({ urlOf, ordersPerSecond, repeat, connections }: LoadOptions): Load {
  const accepted: string[] = [];
  const seen: Seen = { wrong: [], refused: 0, unreached: 0, brokenOff: 0, slowestMs: 0 };
  const clients = new Set<Promise<void>>();
  const maxClients = connections ?? usualMaxClients;
  const dispatcher = new Agent({ connections: connections ?? null });
  const stopping = new AbortController();

  async function place(): Promise<void> {
    const order = anOrder();
    const body = JSON.stringify(order);
    for (const end = Date.now() + giveUpMs; Date.now() < end;) {
      const waitMs = await attempt(urlOf(), body, dispatcher, seen);
      if (waitMs === undefined) {
        accepted.push(order.order_id);
        return;
      }
      if (!repeat) return;
      await sleep(waitMs);
    }
    seen.wrong.push(`${order.order_id} was not accepted within ${giveUpMs / 1000} s`);
  }

  /** Opens all connections with one request each at the same time. They are kept alive for the orders. */
  async function connectAll(): Promise<void> {
    const requests = Array.from({ length: connections ?? 0 }, () => request(`${urlOf()}/health/live`, { dispatcher }));
    await Promise.all(requests.map(async (answer) => (await answer).body.dump()));
  }

  const arrivals = (async () => {
    await connectAll();
    const begin = performance.now();
    for (let sent = 0; !stopping.signal.aborted;) {
      for (let order = 0; order < ordersAtOnce && clients.size < maxClients; order += 1) {
        const client = place();
        clients.add(client);
        void client.finally(() => clients.delete(client));
      }
      sent += ordersAtOnce;
      // A late batch is followed at once by the next, so that the load keeps its rate.
      const dueInMs = begin + (sent * 1000) / ordersPerSecond - performance.now();
      if (dueInMs > 0) await sleep(dueInMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      else if (sent % ordersPerTurn === 0) await nextTurn();
    }
  })();

  return {
    stop: async () => {
      stopping.abort();
      await arrivals;
      await Promise.all(clients);
      await dispatcher.destroy();
      return { accepted, ...seen };
    },
  };
}
