import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions, type Worker } from '@temporalio/worker';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { isTemporalOutage, isUnknownSearchAttribute, TemporalUnavailable } from './outage.js';
import { ensureSearchAttributes, type SearchAttributeTypes } from './search-attributes.js';

/** The connection of a process to Temporal. Its client and its worker share it. It reconnects in the background. */
export interface TemporalConnection {
  start(): void;
  /**
   * Calls Temporal with a deadline.
   * @throws TemporalUnavailable at once while there is no connection, and for 1 s after a call that found Temporal
   * unavailable; the SDK's error when the call fails or exceeds its deadline
   */
  call<T>(timeoutMs: number, request: (client: Client) => Promise<T>): Promise<T>;
  /** Resolves to true if the server responds within `timeoutMs`. */
  isUp(timeoutMs: number): Promise<boolean>;
  /** Lets running activities finish, for 10 s at most, and disconnects. */
  stop(): Promise<void>;
}

export interface TemporalConnectionOptions {
  readonly connectionOptions: NativeConnectionOptions;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributeTypes;
  readonly createWorker: (connection: NativeConnection) => Promise<Worker>;
  readonly logger: Logger;
}

const connectTimeoutMs = 5000;
const setupTimeoutMs = 30_000;
const retryMs = 1000;
/** After a call that found Temporal unavailable, calls fail at once for this long instead of at their deadlines. */
const circuitOpenMs = 1000;

/** Once started, it connects, registers search attributes and runs the worker, and repeats this after any failure. */
export function createTemporalConnection(options: TemporalConnectionOptions): TemporalConnection {
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
        logger.warn({ err: error }, `Temporal unavailable, reconnecting in ${retryMs} ms`);
      }
      await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function call<T>(timeoutMs: number, request: (client: Client) => Promise<T>): Promise<T> {
    if (!client || !connection || Date.now() < circuitOpenUntil)
      throw new TemporalUnavailable('Temporal is unavailable');
    const current = client;
    try {
      return await connection.withDeadline(Date.now() + timeoutMs, () => request(current));
    } catch (error) {
      if (isTemporalOutage(error)) circuitOpenUntil = Date.now() + circuitOpenMs;
      if (isUnknownSearchAttribute(error)) await registerAgain(connection);
      throw error;
    }
  }

  /** A Temporal server that lost its data may return on the same connection without the search attributes. */
  async function registerAgain(current: NativeConnection): Promise<void> {
    const names = await ensureSearchAttributes(current, namespace, options.searchAttributes);
    logger.warn({ names }, 'the search attributes were missing in Temporal; registered them again');
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

/** @throws an error after 5 s when no server responds; leaves nothing open */
async function open({ connectionOptions, namespace, searchAttributes, createWorker }: TemporalConnectionOptions) {
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
