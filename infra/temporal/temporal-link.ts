import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions, type Worker } from '@temporalio/worker';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { ensureSearchAttributes, type SearchAttributeTypes } from './search-attributes.js';

/** Temporal cannot be reached for now. Nothing is lost by it: the database remembers what is to be told. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/** The process's one connection to Temporal, shared by its client and its worker, kept up in the background. */
export interface TemporalLink {
  start(): void;
  /**
   * Calls Temporal with a deadline.
   * @throws TemporalUnavailable at once while there is no connection or a call has just found the server away; the
   * SDK's own error when the call fails or its deadline passes
   */
  call<T>(timeoutMs: number, request: (client: Client) => Promise<T>): Promise<T>;
  /** Whether the server answers right now, asked within `timeoutMs`. */
  isUp(timeoutMs: number): Promise<boolean>;
  /** Lets running activities finish (10 s at most), then disconnects. */
  stop(): Promise<void>;
}

export interface TemporalLinkOptions {
  readonly connectionOptions: NativeConnectionOptions;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributeTypes;
  createWorker(connection: NativeConnection): Promise<Worker>;
  readonly logger: Logger;
}

const connectTimeoutMs = 5000;
const setupTimeoutMs = 30_000;
const retryMs = 1000;
/** After a call that found the server away, calls fail at once for this long: each would wait for its deadline. */
const restMs = 1000;

/** Connects, registers search attributes, runs the worker, and starts over after any failure, until stopped. */
export function createTemporalLink(options: TemporalLinkOptions): TemporalLink {
  const { namespace, logger } = options;
  const stopping = new AbortController();
  let connection: NativeConnection | undefined;
  let client: Client | undefined;
  let worker: Worker | undefined;
  let running: Promise<void> | undefined;
  let restUntil = 0;

  async function runOnce(): Promise<void> {
    connection = await withDeadline(
      'connecting to Temporal',
      connectTimeoutMs,
      NativeConnection.connect(options.connectionOptions),
    );
    try {
      await withDeadline(
        'registering search attributes',
        setupTimeoutMs,
        ensureSearchAttributes(connection, namespace, options.searchAttributes),
      );
      worker = await withDeadline('making the worker', setupTimeoutMs, options.createWorker(connection));
      client = new Client({ connection, namespace });
      logger.info({ namespace }, 'connected to Temporal');
      if (!stopping.signal.aborted) await worker.run();
    } finally {
      worker = undefined;
      client = undefined;
      await connection.close();
      connection = undefined;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await runOnce();
      } catch (error) {
        logger.warn({ err: error }, `Temporal is away, trying again in ${retryMs} ms`);
      }
      await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function call<T>(timeoutMs: number, request: (client: Client) => Promise<T>): Promise<T> {
    if (!client || !connection || Date.now() < restUntil) throw new TemporalUnavailable('Temporal is not reachable');
    const current = client;
    try {
      return await connection.withDeadline(Date.now() + timeoutMs, () => request(current));
    } catch (error) {
      if (isTemporalOutage(error)) restUntil = Date.now() + restMs;
      if (isUnknownSearchAttribute(error)) await registerAgain(connection);
      throw error;
    }
  }

  /** A Temporal whose data was lost comes back without our search attributes, on the same connection. */
  async function registerAgain(current: NativeConnection): Promise<void> {
    const names = await ensureSearchAttributes(current, namespace, options.searchAttributes);
    logger.warn({ names }, 'Temporal had forgotten our search attributes, registered them again');
  }

  return {
    start: () => void (running ??= run()),
    call,
    isUp: async (timeoutMs) => {
      const current = connection;
      if (!client || !current) return false;
      return current
        .withDeadline(Date.now() + timeoutMs, () => current.workflowService.describeNamespace({ namespace }))
        .then(
          () => true,
          () => false,
        );
    },
    stop: async () => {
      stopping.abort();
      if (worker?.getState() === 'RUNNING') worker.shutdown();
      await running;
    },
  };
}

/** gRPC statuses that mean the server could not be asked or did not answer in time. */
const outageCodes = new Set([
  1 /* cancelled */, 4 /* deadline exceeded */, 8 /* resource exhausted */, 14 /* unavailable */,
]);

function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < 10; current = current.cause) chain.push(current);
  return chain;
}

/** True when `error` says that Temporal is away or overloaded: the same call can succeed later, unchanged. */
export function isTemporalOutage(error: unknown): boolean {
  return causesOf(error).some(
    (cause) => cause instanceof TemporalUnavailable || outageCodes.has((cause as Error & { code?: number }).code ?? -1),
  );
}

function isUnknownSearchAttribute(error: unknown): boolean {
  return causesOf(error).some((cause) => /search attribute \S+ is not defined/i.test(cause.message));
}
