import { Connection } from '@temporalio/client';
import { connect } from 'amqplib';
import type { LocalServers } from '../servers/local-servers.js';
import { createPool } from '../../postgres/pool.js';
import { testLogger } from '../testing/test-logger.js';

const connectLimitMs = 5000;
/** The settings of Postgres on which its figures depend. */
const settings = ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'max_wal_size'];

/** Returns the versions of the servers that the figures were measured on, as the servers themselves report them. */
export async function serverVersions({ ordersDb, rabbitmq, temporal }: LocalServers): Promise<Record<string, string>> {
  return {
    PostgreSQL: await postgresSettings(ordersDb.dsn),
    RabbitMQ: await rabbitmqVersion(rabbitmq.url),
    'Temporal server': await temporalVersion(temporal.address),
  };
}

async function postgresSettings(dsn: string): Promise<string> {
  const pool = createPool(dsn, 'bench', testLogger);
  try {
    const { rows } = await pool.query<{ setting: string }>(
      `select name || ' ' || current_setting(name) as setting from unnest($1::text[]) as name`,
      [settings],
    );
    return rows.map(({ setting }) => setting).join(', ');
  } finally {
    await pool.end();
  }
}

async function rabbitmqVersion(url: string): Promise<string> {
  const model = await connect(url, { timeout: connectLimitMs });
  const { version } = model.connection.serverProperties as { version?: string };
  await model.close();
  return version ?? 'unknown';
}

async function temporalVersion(address: string): Promise<string> {
  const connection = await Connection.connect({ address, connectTimeout: connectLimitMs });
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  await connection.close();
  return serverVersion;
}
