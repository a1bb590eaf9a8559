import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../postgres/migrate.js';
import { createPool } from '../../postgres/pool.js';
import { CliError } from '../../runtime/cli-error.js';
import { choosePort } from '../processes/ports.js';
import { openServerDirectory, repositoryRoot } from '../processes/server-directory.js';
import { postgresDsn, postgresServer } from '../servers/postgres-server.js';
import { describeSchema } from '../testing/describe-schema.js';
import { migrationsOf, type DatabaseOf } from '../testing/test-database.js';
import { testLogger } from '../testing/test-logger.js';
import { onStopRequest } from './stop-request.js';

// `npm run schema` writes docs/schema/ from the migrations; with `-- --check` it only compares, and fails on a
// difference.

const services: readonly DatabaseOf[] = ['order-api', 'processor'];
const isCheck = process.argv.includes('--check');
const stop = onStopRequest(() => process.exit(1));
const serverDirectory = await openServerDirectory('test', console.log);
const port = await choosePort();
const server = await postgresServer({
  ...{ serverDirectory, port, database: 'order-api', environment: process.env },
  ...{ print: () => undefined, signal: stop },
});
try {
  await server.start();
  const different: string[] = [];
  for (const service of services) {
    const file = join('docs/schema', `${service}.txt`);
    const schema = await schemaOf(service);
    const path = join(repositoryRoot, file);
    if (!isCheck) writeFileSync(path, schema);
    else if (!existsSync(path) || readFileSync(path, 'utf8') !== schema) different.push(file);
  }
  if (different.length > 0) {
    throw new CliError(
      `The migrations no longer match ${different.join(' and ')}. Run "npm run schema" and review the change.`,
    );
  }
} finally {
  await server.kill();
  serverDirectory.close();
}
process.exit();

/** Each service gets a database of its own on the one server. */
async function schemaOf(service: DatabaseOf): Promise<string> {
  const admin = createPool(postgresDsn(port, 'postgres'), 'schema', testLogger);
  const name = `schema_of_${service.replace('-', '_')}`;
  await admin.query(`create database ${name}`);
  await admin.end();
  await migrate(postgresDsn(port, name), migrationsOf(service), testLogger, stop);
  const pool = createPool(postgresDsn(port, name), 'schema', testLogger);
  try {
    return await describeSchema(pool);
  } finally {
    await pool.end();
  }
}
