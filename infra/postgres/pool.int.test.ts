import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { createFaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { isPostgresOutage, PostgresUnavailable } from './outage.js';
import { createPool, inTransaction, type PoolLimits, type Queryable } from './pool.js';

const limits: PoolLimits = {
  maxConnections: 3,
  connectTimeoutMs: 300,
  loginTimeoutMs: 3000,
  statementTimeoutMs: 300,
  queryTimeoutMs: 600,
};

describe('the Postgres pool', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  before(async () => {
    database = await createTestDatabase('processor');
    await database.pool.query('create table things (name text primary key)');
  });
  beforeEach(() => (pool = createPool(database.dsn, 'pool test', testLogger, limits)));
  afterEach(async () => {
    await pool.end();
    await database.pool.query('truncate things');
  });
  after(() => database.drop());

  const terminate = (pid: number) => database.pool.query('select pg_terminate_backend($1)', [pid]);
  const things = async (): Promise<string[]> => {
    const { rows } = await database.pool.query<{ name: string }>('select name from things order by name');
    return rows.map(({ name }) => name);
  };

  it('survives the loss of an idle connection that the server closes', async () => {
    await terminate(await pidOf(pool));
    await eventually('the dead connection has left the pool', () => assert.equal(pool.totalCount, 0));
    assert.ok((await pidOf(pool)) > 0);
  });

  it('survives the loss of a connection in the middle of a transaction', async () => {
    const broken = inTransaction(pool, async (tx) => {
      await tx.query(`insert into things values ('lost')`);
      await terminate(await pidOf(tx));
      await sleep(100); // no statement is running at the moment of the loss
      await tx.query('select 1');
    });
    await assert.rejects(broken, isPostgresOutage);
    assert.equal(pool.totalCount, 0, 'a broken connection is not handed to the next caller');
    assert.ok((await pidOf(pool)) > 0);
    assert.deepEqual(await things(), []);
  });

  it('survives the loss of a connection in the middle of a statement', async () => {
    const client = await pool.connect();
    const pid = await pidOf(client);
    const sleeping = assert.rejects(client.query('select pg_sleep(0.25)'), isPostgresOutage);
    await terminate(pid);
    await sleeping;
    client.release(true);
    assert.ok((await pidOf(pool)) > 0);
  });

  it('cancels a statement that exceeds its time limit, and remains usable', async () => {
    await assert.rejects(pool.query('select pg_sleep(20)'), (error) => {
      return isPostgresOutage(error) && /statement timeout/.test(String(error)); // the server has stopped it, too
    });
    assert.ok((await pidOf(pool)) > 0);
  });

  it('commits a transaction and returns its result', async () => {
    const result = await inTransaction(pool, async (tx) => {
      await tx.query(`insert into things values ('kept')`);
      return 42;
    });
    assert.equal(result, 42);
    assert.deepEqual(await things(), ['kept']);
  });

  it('rolls back a transaction that throws, and rethrows its error', async () => {
    const failure = new Error('it broke');
    const work = async (tx: Queryable) => {
      await tx.query(`insert into things values ('lost')`);
      throw failure;
    };
    await assert.rejects(inTransaction(pool, work), failure);
    assert.deepEqual(await things(), []);
  });

  it('hands out a clean connection after a transaction that failed', async () => {
    const single = createPool(database.dsn, 'pool test', testLogger, { ...limits, maxConnections: 1 });
    try {
      for (const failure of ['select no_such_column', 'select 1']) {
        const work = async (tx: Queryable) => {
          await tx.query(`insert into things values ('lost')`);
          await tx.query(failure);
          throw new Error('no_such_column, or it broke');
        };
        await assert.rejects(inTransaction(single, work), /no_such_column/);
      }
      await inTransaction(single, (tx) => tx.query(`insert into things values ('kept')`));
      assert.deepEqual(await things(), ['kept']);
    } finally {
      await single.end();
    }
  });

  it('stops waiting for a frozen server and discards the connection to it', async () => {
    const proxy = await createFaultProxy(database.dsn);
    const frozen = createPool(proxy.url, 'pool test', testLogger, limits);
    try {
      const work = async (tx: Queryable) => {
        proxy.freeze();
        await tx.query('select 1');
      };
      await assert.rejects(inTransaction(frozen, work), isPostgresOutage);
      assert.equal(frozen.totalCount, 0, 'it is not handed to the next caller');
      proxy.restore();
      assert.ok((await pidOf(frozen)) > 0);
    } finally {
      await frozen.end();
      await proxy.close();
    }
  });

  it('connects to a server whose login takes longer than a caller waits', async () => {
    const proxy = await createFaultProxy(database.dsn);
    proxy.limit({ latencyMs: 100 });
    const slow = createPool(proxy.url, 'pool test', testLogger, limits);
    try {
      await assert.rejects(slow.query('select 1'), isPostgresOutage);
      assert.ok(await eventually('a connection is open', () => pidOf(slow)));
      await inTransaction(slow, (tx) => tx.query(`insert into things values ('slow')`));
      assert.deepEqual(await things(), ['slow']);
    } finally {
      await slow.end();
      await proxy.close();
    }
  });

  it('fails as an outage when all of its connections are in use for too long', async () => {
    const taken = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    await assert.rejects(pool.query('select 1'), isPostgresOutage);
    for (const client of taken) client.release();
    assert.ok((await pidOf(pool)) > 0);
  });

  const refusals: [string, string, (url: URL) => void][] = [
    ['the password is wrong', '28P01', (url) => (url.password = 'another')],
    ['the role does not exist', '28P01', (url) => (url.username = 'nobody')],
    ['the database does not exist', '3D000', (url) => (url.pathname = '/nowhere')],
    ['the server does not support TLS', '', (url) => url.searchParams.set('sslmode', 'verify-full')],
    ['the server refuses a session setting', '22023', (url) => url.searchParams.set('options', '-c work_mem=1')],
  ];
  for (const [what, code, change] of refusals) {
    it(`fails as an outage with the reason when ${what}`, async () => {
      const url = new URL(database.dsn);
      change(url);
      const refused = createPool(url.href, 'pool test', testLogger, limits);
      try {
        await assert.rejects(refused.query('select 1'), (error) => {
          assert.ok(isPostgresOutage(error) && error instanceof PostgresUnavailable, String(error));
          assert.equal(error.code ?? '', code);
          return true;
        });
      } finally {
        await refused.end();
      }
    });
  }

  it('fails as an outage when no server is listening', async () => {
    const server = await silentServer();
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await failsAsOutage(port);
  });

  it('fails as an outage when the server accepts the connection and never responds', async () => {
    const server = await silentServer();
    try {
      await failsAsOutage((server.address() as AddressInfo).port);
    } finally {
      server.close();
    }
  });
});

async function failsAsOutage(port: number): Promise<void> {
  const unreachable = createPool(`postgresql://postgres@127.0.0.1:${port}/x`, 'pool test', testLogger, limits);
  try {
    await assert.rejects(unreachable.query('select 1'), isPostgresOutage);
    await assert.rejects(
      inTransaction(unreachable, async () => undefined),
      isPostgresOutage,
    );
  } finally {
    await unreachable.end();
  }
}

async function silentServer(): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function pidOf(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
  assert.ok(rows[0]);
  return rows[0].pid;
}
