import { setTimeout as sleep } from 'node:timers/promises';
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
}

/** Orders come several at once, so that some share a workflow. */
const ordersAtOnce = 10;
/** More would say something about the client and not about the service. */
const mostClients = 4000;
/** The promise is 3 s; the rest is for a machine that is busy with the fault. */
const answerLimitMs = 5000;
const repeatMs = 100;
const giveUpMs = 240_000;

/**
 * Places orders as clients should: each is repeated, unchanged, until it is accepted, whatever comes in between, and no
 * sooner than the answer asks for.
 */
export function startLoad({ urlOf, ordersPerSecond, repeat }: LoadOptions): Load {
  const accepted: string[] = [];
  const wrong: string[] = [];
  const counts = { refused: 0, unreached: 0, brokenOff: 0, slowestMs: 0 };
  const clients = new Set<Promise<void>>();
  const stopping = new AbortController();

  /** Resolves with how long to wait before the next attempt, or, once the order is accepted, with nothing. */
  async function attempt(body: string): Promise<number | undefined> {
    const startedAt = performance.now();
    try {
      const response = await fetch(`${urlOf()}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(answerLimitMs),
      });
      const text = await response.text();
      counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startedAt);
      if (response.status === 200 || response.status === 201) return undefined;
      const isClean =
        [429, 503].includes(response.status) &&
        response.headers.has('retry-after') &&
        response.headers.get('content-type') === 'application/problem+json';
      if (!isClean) wrong.push(`${response.status} ${text.slice(0, 300)}`);
      counts.refused += 1;
      return Math.max(Number(response.headers.get('retry-after')) * 1000, repeatMs);
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') wrong.push(`no answer within ${answerLimitMs} ms`);
      const cause = (error as Error).cause as { code?: string } | undefined;
      if (cause?.code === 'ECONNREFUSED') counts.unreached += 1;
      else counts.brokenOff += 1;
      return repeatMs;
    }
  }

  async function place(): Promise<void> {
    const order = anOrder();
    const body = JSON.stringify(order);
    for (const end = Date.now() + giveUpMs; Date.now() < end;) {
      const waitMs = await attempt(body);
      if (waitMs === undefined) {
        accepted.push(order.order_id);
        return;
      }
      if (!repeat) return;
      await sleep(waitMs);
    }
    wrong.push(`${order.order_id} was not accepted within ${giveUpMs / 1000} s`);
  }

  const arrivals = (async () => {
    while (!stopping.signal.aborted) {
      for (let order = 0; order < ordersAtOnce && clients.size < mostClients; order += 1) {
        const client = place();
        clients.add(client);
        void client.finally(() => clients.delete(client));
      }
      await sleep((ordersAtOnce / ordersPerSecond) * 1000, undefined, { signal: stopping.signal }).catch(
        () => undefined,
      );
    }
  })();

  return {
    stop: async () => {
      stopping.abort();
      await arrivals;
      await Promise.all(clients);
      return { accepted, wrong, ...counts };
    },
  };
}
