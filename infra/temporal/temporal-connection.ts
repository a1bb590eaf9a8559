import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions, type Worker } from '@temporalio/worker';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { isTemporalOutage, isUnknownSearchAttribute, TemporalUnavailable } from './outage.js';
import { ensureSearchAttributes, type SearchAttributeTypes } from './search-attributes.js';

/** The process's one connection to Temporal, shared by its client and its worker, kept up in the background. */
export interface TemporalConnection {
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
  readonly createWorker: (connection: NativeConnection) => Promise<Worker>;
  readonly logger: Logger;
}

const connectTimeoutMs = 5000;
const setupTimeoutMs = 30_000;
const retryMs = 1000;
/** After a call that found the server away, calls fail at once for this long: each would wait for its deadline. */
const circuitOpenMs = 1000;

/** Connects, registers search attributes, runs the worker, and starts over after any failure, until stopped. */
export function createTemporalConnection(options: TemporalLinkOptions): TemporalConnection {
  const { namespace, logger } = options;
  const stopping = new AbortController();
  let connection: NativeConnection | undefined;
  let client: Client | undefined;
  let worker: Worker | undefined;
  let running: Promise<void> | undefined;
  let circuitOpenUntil = 0;

  async function runOnce(): Promise<void> {
    const opened = await open(options);
    ({ connection, worker } = opened);
    client = new Client({ connection, namespace });
    logger.info({ namespace }, 'connected to Temporal');
    try {
      if (!stopping.signal.aborted) await opened.worker.run();
    } finally {
      connection = client = worker = undefined;
      await opened.connection.close();
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
    if (!client || !connection || Date.now() < circuitOpenUntil)
      throw new TemporalUnavailable('Temporal is not reachable');
    const current = client;
    try {
      return await connection.withDeadline(Date.now() + timeoutMs, () => request(current));
    } catch (error) {
      if (isTemporalOutage(error)) circuitOpenUntil = Date.now() + circuitOpenMs;
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

/** @throws after 5 s when there is no server, with nothing left open */
async function open({ connectionOptions, namespace, searchAttributes, createWorker }: TemporalLinkOptions) {
  const connecting = NativeConnection.connect(connectionOptions);
  const connection = await withDeadline('connecting to Temporal', connectTimeoutMs, connecting);
  try {
    const registering = ensureSearchAttributes(connection, namespace, searchAttributes);
    await withDeadline('registering search attributes', setupTimeoutMs, registering);
    return { connection, worker: await createWorker(connection) };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
