import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { anOrder } from '../e2e/system.js';

/** What clients have seen of the order API while it was under load. */
export interface LoadReport {
  /** Ids of the orders that were answered with 201, or, repeated, with 200. */
  readonly accepted: readonly string[];
  /** How many answers asked the client to come back later. */
  readonly refused: number;
  /** How many found nobody listening. */
  readonly unreached: number;
  /** How many requests broke off without an answer. */
  readonly brokenOff: number;
  /** What must not be: a request that got no answer in time, and an answer of another kind. */
  readonly wrong: readonly string[];
  readonly slowestMs: number;
}

export interface Load {
  /** Places no new orders and resolves when every one that was begun is accepted. */
  stop(): Promise<LoadReport>;
}

export interface LoadOptions {
  /** Where the next request goes. */
  readonly urlOf: () => string;
  readonly ordersPerSecond: number;
  /** Whether a client repeats its order until it is accepted, or goes away. */
  readonly repeat: boolean;
  /**
   * Clients come over so many connections, one at a time over each, which are there before the first: Node accepts one
   * connection in a turn of its event loop, so under an overload new ones wait for many turns. By default every client
   * that finds no connection free makes one.
   */
  readonly connections?: number;
}

/** Orders come several at once, so that some share a workflow. */
const ordersAtOnce = 10;
/** The answers come in between. */
const ordersPerTurn = 100;
/** More would say something about the client and not about the service. */
const usualMaxClients = 4000;
/** The promise is 3 s; the rest is for a machine that is busy with the fault. */
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

/** One request for the order; resolves with how long to wait before the next, or, once it is accepted, with nothing. */
async function attempt(url: string, body: string, dispatcher: Agent, seen: Seen): Promise<number | undefined> {
  const startedAt = performance.now();
  try {
    // Not fetch, which takes several times the CPU: an overload has to come from somewhere on the same machine.
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
 * Places orders as clients should: each is repeated, unchanged, until it is accepted, whatever comes in between, and no
 * sooner than the answer asks for.
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

  /** A request each at the same time: it takes as many connections, which are kept for the orders. */
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
      // What is late is made up for, so that the rate is the one asked for.
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
