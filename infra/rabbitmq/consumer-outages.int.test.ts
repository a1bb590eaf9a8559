import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isPostgresOutage } from '../postgres/outage.js';
import { createPool, inTransaction } from '../postgres/pool.js';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { testServers } from '../dev/testing/test-servers.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { createConsumer, type Consumer } from './consumer.js';
import { createPublisher, type Publisher } from './publisher.js';
import type { Topology } from './topology.js';

const topology: Topology = { exchange: 'things', queues: [{ name: 'made', routingKey: 'thing.made' }] };
const messages = Array.from({ length: 200 }, (_, index) => `thing ${index}`);

describe('a consumer whose database', () => {
  const role = `consumer_${randomUUID().replaceAll('-', '')}`;
  let database: TestDatabase;
  let admin: pg.Client;
  let proxy: FaultProxy;
  let vhost: TestVhost;
  let publisher: Publisher;
  let pool: pg.Pool;
  let consumer: Consumer;
  let outages: number;
  let warnings: { waiting: number; err: unknown }[];
  before(async () => {
    database = await createTestDatabase('processor');
    admin = new pg.Client({ connectionString: testServers().processorDb.dsn });
    await admin.connect();
    await admin.query(`create role ${role} login password 'right'`);
  });
  beforeEach(async () => {
    await database.pool.query('create table things (name text primary key check (length(name) < 20))');
    await database.pool.query(`grant insert on things to ${role}`);
    [outages, warnings] = [0, []];
    vhost = await createTestVhost();
    publisher = await createPublisher(vhost.url, 'test publisher', topology, testLogger);
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
    proxy = await createFaultProxy(database.dsn);
    const dsn = Object.assign(new URL(proxy.url), { username: role, password: 'right' }).href;
    pool = createPool(dsn, 'test', testLogger);
    const logger = Object.assign(testLogger.child({}), {
      warn: (line: { waiting?: number; err: unknown }) => {
        if (line.waiting !== undefined) warnings.push({ ...line, waiting: line.waiting });
      },
    });
    consumer = await createConsumer({
      ...{ url: vhost.url, name: 'test consumer', topology, queue: 'made', prefetch: 500, publisher },
      ...{ isOutage: isPostgresOutage, logger, log: () => logger },
      handle: async ({ content }) => {
        const insert = 'insert into things values ($1)';
        await inTransaction(pool, (tx) => tx.query(insert, [content.toString()]));
      },
      counts: { ended: () => undefined, retried: (_queue, reason) => void (outages += reason === 'outage' ? 1 : 0) },
    });
  });
  afterEach(async () => {
    await consumer.close();
    await publisher.close();
    await pool.end();
    await proxy.close();
    await vhost.drop();
    await database.pool.query('drop table things');
  });
  after(async () => {
    await database.drop();
    await admin.query(`drop role ${role}`);
    await admin.end();
  });

  const send = (body: string): Promise<void> =>
    publisher.publish({
      ...{ exchange: 'things', routingKey: 'thing.made', content: Buffer.from(body) },
      properties: { messageId: randomUUID() },
    });
  const handled = async (): Promise<number> => {
    const { rows } = await database.pool.query<{ count: number }>('select count(*)::int from things');
    return rows[0]?.count ?? 0;
  };
  const name = () => new URL(database.dsn).pathname.slice(1);
  const byAdmin =
    (...statements: string[]) =>
    async (): Promise<void> => {
      for (const statement of statements) await admin.query(statement);
    };
  const inDatabase = (statement: string) => async (): Promise<unknown> => database.pool.query(statement);
  const disconnected = (): Promise<unknown> =>
    admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name()}'`);

  const repairs: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['is frozen', async () => proxy.freeze(), async () => proxy.restore()],
    [
      'has another password',
      byAdmin(`alter role ${role} password 'another'`),
      byAdmin(`alter role ${role} password 'right'`),
    ],
    ['forbids the login', byAdmin(`alter role ${role} nologin`), byAdmin(`alter role ${role} login`)],
    [
      'accepts no further connection',
      byAdmin(`alter role ${role} connection limit 0`),
      byAdmin(`alter role ${role} connection limit -1`),
    ],
    [
      'does not exist for a while',
      async () => {
        await disconnected();
        await admin.query(`alter database ${name()} rename to ${name()}_elsewhere`);
      },
      () => admin.query(`alter database ${name()}_elsewhere rename to ${name()}`),
    ],
    [
      'has revoked a privilege',
      inDatabase(`revoke insert on things from ${role}`),
      inDatabase(`grant insert on things to ${role}`),
    ],
    [
      'lacks a table while it is migrated',
      inDatabase('alter table things rename to others'),
      inDatabase('alter table others rename to things'),
    ],
  ];
  for (const [what, damage, repair] of repairs) {
    it(`${what} waits, dead-letters nothing, and handles every message once the database is repaired`, async () => {
      await send('the first');
      await eventually('the message is handled', async () => assert.equal(await handled(), 1));
      await damage();
      await disconnected();
      try {
        await Promise.all(messages.map(send));
        // This takes longer than three attempts.
        await eventually('all messages wait', () => assert.ok(outages > messages.length * 3));
      } finally {
        await repair();
      }
      await eventually(
        'all messages are handled',
        async () => assert.equal(await handled(), messages.length + 1),
        30_000,
      );
      assert.deepEqual(await vhost.peek('made.dead-letter'), []);
    });
  }

  it('is unavailable logs one warning for all waiting messages together, not one for each', async () => {
    await admin.query(`alter role ${role} nologin`);
    await disconnected();
    try {
      await Promise.all(messages.map(send));
      await eventually('a warning says how many messages wait', () =>
        assert.equal(warnings.at(-1)?.waiting, messages.length),
      );
      assert.ok(warnings.length < 5, `${warnings.length} lines`);
      assert.match(String(warnings.at(-1)?.err), /is not permitted to log in/);
    } finally {
      await admin.query(`alter role ${role} login`);
    }
    await eventually('all messages are handled', async () => assert.equal(await handled(), messages.length), 30_000);
  });

  it('refuses the data of a message dead-letters that message and handles the others', async () => {
    const refused = ['too long for its column, by a check', 'with a NUL \u0000', 'the same'];
    await send('the same');
    await eventually('the message is handled', async () => assert.equal(await handled(), 1));
    await Promise.all([...refused, 'a', 'b'].map(send));
    await eventually('the refused messages are dead-lettered', async () => {
      assert.equal(await publisher.depthOf('made.dead-letter'), refused.length);
    });
    assert.equal(await handled(), 3);
    await sleep(500);
    assert.equal(outages, 0);
  });
});
