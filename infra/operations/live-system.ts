import { connect, type ChannelModel } from 'amqplib';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type pg from 'pg';
import { createPool } from '../postgres/pool.js';
import { withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { CliError } from '../runtime/cli-error.js';
import type { Addresses } from './addresses.js';

/** Connections to every part of a running system. */
export interface LiveSystem {
  readonly ordersDb: pg.Pool;
  readonly processorDb: pg.Pool;
  /** @throws CliError on access, if RabbitMQ was unavailable when the connections were opened */
  readonly rabbitmq: ChannelModel;
  readonly rabbitmqUrl: string;
  /** @throws CliError on access, if Temporal was unavailable when the connections were opened */
  readonly temporal: Client;
  readonly temporalNamespace: string;
  /** Why each server is unavailable; undefined for a server that is available. */
  readonly unavailable: { readonly rabbitmq: string | undefined; readonly temporal: string | undefined };
  /** The address of Temporal Web UI; undefined when it is not configured. */
  readonly temporalUiUrl: string | undefined;
  readonly outboxRetentionDays: number;
  readonly logger: Logger;
  close(): Promise<void>;
}

const connectTimeoutMs = 10_000;
/** The statement timeout leaves minutes to read a whole table, and still gives up on a frozen server. */
const limits = {
  maxConnections: 4,
  connectTimeoutMs: 5000,
  loginTimeoutMs: 5000,
  statementTimeoutMs: 300_000,
  queryTimeoutMs: 310_000,
};

/**
 * Connects to every part of the system. RabbitMQ and Temporal may be unavailable, because operators inspect a system
 * when something is down.
 * @throws CliError that names every unavailable part if a database is unavailable; all opened connections are closed
 */
export async function openLiveSystem(addresses: Addresses, logger: Logger): Promise<LiveSystem> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => void (await Promise.allSettled(closing.map((each) => each())));
  const database = async (name: string, dsn: string): Promise<pg.Pool> => {
    const pool = createPool(dsn, 'operations', logger, limits);
    closing.push(() => pool.end());
    await reach(`Postgres of ${name}`, pool.query('select 1'));
    return pool;
  };
  const rabbitmq = async (): Promise<ChannelModel> => {
    const options = { timeout: connectTimeoutMs, clientProperties: { connection_name: 'operations' } };
    const model = await reach('RabbitMQ', connect(addresses.APP__RABBITMQ_URL, options));
    model.on('error', (error: Error) => logger.warn({ err: error }, 'lost the connection to RabbitMQ'));
    closing.push(() => model.close());
    return model;
  };
  const temporal = async (): Promise<Client> => {
    const { connectionOptions, namespace } = addresses.temporal;
    const connection = await reach('Temporal', NativeConnection.connect(connectionOptions));
    closing.push(() => connection.close());
    return new Client({ connection, namespace });
  };
  const parts = await Promise.allSettled([
    database('the order API', addresses.APP__ORDERS_DB_DSN),
    database('the processor', addresses.APP__PROCESSOR_DB_DSN),
    rabbitmq(),
    temporal(),
  ] as const);
  const [ordersDb, processorDb, broker, client] = parts;
  if (ordersDb.status === 'rejected' || processorDb.status === 'rejected') {
    await close();
    throw new CliError(parts.flatMap((part) => reasonOf(part) ?? []).join('\n'));
  }
  const unavailable = { rabbitmq: reasonOf(broker), temporal: reasonOf(client) };
  return {
    ...{ ordersDb: ordersDb.value, processorDb: processorDb.value, unavailable, logger, close },
    ...{ rabbitmqUrl: addresses.APP__RABBITMQ_URL, temporalUiUrl: addresses.TEMPORAL_UI_URL },
    ...{ temporalNamespace: addresses.temporal.namespace, outboxRetentionDays: addresses.APP__OUTBOX_RETENTION_DAYS },
    get rabbitmq() {
      return unwrap(broker);
    },
    get temporal() {
      return unwrap(client);
    },
  };
}

function reasonOf(part: PromiseSettledResult<unknown>): string | undefined {
  return part.status === 'rejected' ? (part.reason as Error).message : undefined;
}

function unwrap<T>(part: PromiseSettledResult<T>): T {
  if (part.status === 'rejected') throw part.reason as Error;
  return part.value;
}

/** @throws CliError that names the part, when `reaching` fails or takes longer than 10 s */
async function reach<T>(name: string, reaching: Promise<T>): Promise<T> {
  try {
    return await withDeadline(`reaching ${name}`, connectTimeoutMs, reaching);
  } catch (error) {
    throw new CliError(`${name} does not answer: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
