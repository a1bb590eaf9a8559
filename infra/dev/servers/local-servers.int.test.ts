import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { connect } from 'amqplib';
import pg from 'pg';
import { testServers } from '../testing/test-servers.js';
import { startServers, type LocalServers } from './local-servers.js';
import type { LocalServer } from './local-server.js';
import { processesOfDirectory } from '../processes/process-tree.js';

describe('the local servers', function () {
  this.timeout(120_000);
  let servers: LocalServers;

  before(async function () {
    // A machine with Docker may lack the programs that local servers need.
    if (testServers().source === 'containers') this.skip();
    // The addresses of the surrounding test run are left out, so that these servers are separate.
    const environment = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    servers = await startServers({ serverDirectory: 'test', environment });
  });

  after(() => (servers as LocalServers | undefined)?.stop());

  async function query(dsn: string, text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: dsn, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async function killAndRestart(server: LocalServer | undefined): Promise<void> {
    assert.ok(server !== undefined);
    await server.kill();
    await server.start();
  }

  it('keep the rows of Postgres, and its port, when it is killed and restarted', async () => {
    const { dsn, server } = servers.ordersDb;
    assert.ok(server !== undefined);
    await query(dsn, 'create table kept (id int)');
    await query(dsn, 'insert into kept values (1)');
    await server.kill();
    await assert.rejects(query(dsn, 'select 1'));
    await server.start();
    assert.deepEqual(await query(dsn, 'select id from kept'), [{ id: 1 }]);
  });

  it('run each database on its own server', async () => {
    const [orders] = await query(servers.ordersDb.dsn, 'select current_database() as name, inet_server_port() as port');
    const [processor] = await query(
      servers.processorDb.dsn,
      'select current_database() as name, inet_server_port() as port',
    );
    assert.equal(orders?.['name'], 'orders');
    assert.equal(processor?.['name'], 'processor');
    assert.notEqual(orders['port'], processor['port']);
  });

  it('keep a confirmed message in a quorum queue when RabbitMQ is killed', async () => {
    const { url, server } = servers.rabbitmq;
    const queue = { durable: true, arguments: { 'x-queue-type': 'quorum' } };
    const first = await connect(url);
    first.on('error', () => undefined);
    const channel = await first.createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('kept', queue);
    channel.sendToQueue('kept', Buffer.from('a message'), { persistent: true });
    await channel.waitForConfirms();
    // RabbitMQ 3.10 writes the name of a new quorum queue to disk up to half a second after declaring it; killed
    // before that, it never elects a leader for the queue again.
    await delay(1_500);
    await killAndRestart(server);
    const second = await connect(url);
    second.on('error', () => undefined);
    const message = await (await second.createChannel()).get('kept', { noAck: true });
    assert.equal(message === false ? undefined : message.content.toString(), 'a message');
    await second.close();
  });

  it('keep the workflows when Temporal is killed', async () => {
    const { address, namespace, server } = servers.temporal;
    const started = { taskQueue: 'no-worker', workflowId: 'kept' };
    await withTemporal(address, namespace, (client) => client.workflow.start('anything', started));
    await killAndRestart(server);
    const found = await withTemporal(address, namespace, (client) => client.workflow.getHandle('kept').describe());
    assert.equal(found.status.name, 'RUNNING');
  });

  it('leave no process and no file behind after stop()', async function () {
    if (process.platform !== 'linux') this.skip();
    const { path: directory } = servers.serverDirectory;
    assert.ok(processesOfDirectory(directory).length >= 5);
    await servers.stop();
    assert.deepEqual(processesOfDirectory(directory), []);
    assert.ok(!existsSync(directory));
  });

  it('are not started where the environment has an address', async () => {
    const environment = {
      APP__ORDERS_DB_DSN: 'postgres://db.example/orders',
      APP__PROCESSOR_DB_DSN: 'postgres://db.example/processor',
      APP__RABBITMQ_URL: 'amqp://mq.example',
      TEMPORAL_ADDRESS: 'temporal.example:7233',
    };
    const external = await startServers({ serverDirectory: 'test', environment });
    assert.deepEqual(external.ordersDb, { dsn: 'postgres://db.example/orders' });
    assert.deepEqual(external.rabbitmq, { url: 'amqp://mq.example' });
    assert.deepEqual(external.temporal, { address: 'temporal.example:7233', namespace: 'default' });
    assert.deepEqual(processesOfDirectory(external.serverDirectory.path), []);
    await external.stop();
  });
});

async function withTemporal<T>(address: string, namespace: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 10_000 });
  try {
    return await use(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}
