import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type pg from 'pg';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createEmptyDatabase, migrationsOf, type DatabaseOf, type TestDatabase } from '../dev/testing/test-database.js';
import { migrate } from './migrate.js';

const running = new AbortController().signal;
const sharedMigrations = fileURLToPath(new URL('../messaging/migrations', import.meta.url));

for (const service of ['order-api', 'processor'] as const) {
  describe(`the migrations of ${service}`, () => {
    let database: TestDatabase;
    beforeEach(async () => (database = await createEmptyDatabase(service)));
    afterEach(() => database.drop());

    const up = () => migrate(database.dsn, migrationsOf(service), testLogger, running);

    it('succeed in three instances at once and are applied once', async () => {
      await Promise.all([up(), up(), up()]);
      const names = (await applied(database.pool)).map(({ name }) => name);
      assert.deepEqual(names, namesOf(service));
    });

    it('change nothing when they run again', async () => {
      await up();
      const before = await applied(database.pool);
      await up();
      assert.deepEqual(await applied(database.pool), before);
    });

    it('can be reverted, which leaves nothing behind, and applied again', async () => {
      await up();
      const tables = await tablesOf(database.pool);
      await runner({
        databaseUrl: database.dsn,
        dir: [`${sharedMigrations}/*.sql`, `${migrationsOf(service)}/*.sql`],
        useGlob: true,
        direction: 'down',
        count: Infinity,
        migrationsTable: 'migrations',
        log: () => undefined,
      });
      assert.deepEqual(await tablesOf(database.pool), ['migrations']);
      await up();
      assert.deepEqual(await tablesOf(database.pool), tables);
    });
  });
}

describe('the migrations', () => {
  let database: TestDatabase;
  let proxy: FaultProxy;
  beforeEach(async () => {
    database = await createEmptyDatabase('processor');
    proxy = await createFaultProxy(database.dsn);
  });
  afterEach(async () => {
    await proxy.close();
    await database.drop();
  });

  it('completely roll back a migration that fails, and pass on its error', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
    try {
      const file = join(directory, '0002_broken.sql');
      await writeFile(file, '-- Up Migration\ncreate table half_done ();\nselect no_such_function();\n');
      await assert.rejects(migrate(database.dsn, directory, testLogger, running), /no_such_function/);
      assert.ok(!(await tablesOf(database.pool)).includes('half_done'));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('wait while Postgres refuses the login, and run once it is allowed', async () => {
    const role = `migrator_${randomUUID().replaceAll('-', '')}`;
    await database.pool.query(`create role ${role} login superuser password 'another'`);
    try {
      const url = Object.assign(new URL(database.dsn), { username: role, password: 'right' });
      let waits = 0;
      const logger = Object.assign(testLogger.child({}), { warn: () => void (waits += 1) });
      const migrated = migrate(url.href, migrationsOf('processor'), logger, running);
      migrated.catch(() => undefined);
      await eventually('the migrations wait', () => assert.ok(waits > 0));
      await database.pool.query(`alter role ${role} password 'right'`);
      await migrated;
      assert.ok((await tablesOf(database.pool)).includes('outbox'));
    } finally {
      await database.pool.query(`reassign owned by ${role} to current_user`);
      await database.pool.query(`drop role ${role}`);
    }
  });

  for (const [what, fault] of [
    ['refuses connections', 'down'],
    ['accepts connections but never responds', 'freeze'],
  ] as const) {
    it(`wait while Postgres ${what}, and run once it has recovered`, async () => {
      proxy[fault]();
      let waits = 0;
      const logger = Object.assign(testLogger.child({}), { warn: () => void (waits += 1) });
      const migrated = migrate(proxy.url, migrationsOf('processor'), logger, running);
      migrated.catch(() => undefined);
      await eventually('the migrations wait', () => assert.ok(waits > 0));
      proxy.restore();
      await migrated;
      const names = (await applied(database.pool)).map(({ name }) => name);
      assert.deepEqual(names, namesOf('processor'));
    });
  }

  it('stop waiting when the service is asked to stop', async () => {
    proxy.down();
    const stopping = new AbortController();
    const logger = Object.assign(testLogger.child({}), { warn: () => stopping.abort() });
    await assert.rejects(migrate(proxy.url, migrationsOf('processor'), logger, stopping.signal));
  });
});

/** The names of the shared migrations and the service's own, in the order in which they apply. */
function namesOf(service: DatabaseOf): string[] {
  const files = [sharedMigrations, migrationsOf(service)].flatMap((directory) => readdirSync(directory));
  return files.map((file) => file.replace(/\.sql$/, '')).sort();
}

async function applied(pool: pg.Pool): Promise<{ name: string; run_on: Date }[]> {
  const { rows } = await pool.query<{ name: string; run_on: Date }>(
    'select name, run_on from migrations order by name',
  );
  return rows;
}

async function tablesOf(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ tablename: string }>(
    `select tablename from pg_tables where schemaname = 'public' order by tablename`,
  );
  return rows.map(({ tablename }) => tablename);
}
