import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { CliError } from '../../runtime/cli-error.js';
import type { ServerDirectory, Print } from '../processes/server-directory.js';
import type { LocalServer } from './local-server.js';
import { ManagedProcess } from '../processes/managed-process.js';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.js';
import { commandLineOf, killTree } from '../processes/process-tree.js';
import { runCommand } from '../processes/run-command.js';
import { unprivileged, type Unprivileged } from './unprivileged.js';

const user = 'postgres';
const password = 'postgres';
const initdbLimitMs = 120_000;

export interface PostgresServerOptions {
  serverDirectory: ServerDirectory;
  /** Name of the database, which also names the server. */
  database: string;
  port: number;
  environment: NodeJS.ProcessEnv;
  /** Additional settings of the server, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
  print: Print;
  signal?: AbortSignal | undefined;
}

export function postgresDsn(port: number, database: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * A private PostgreSQL server with one database, on 127.0.0.1 only. Its data is in the server directory and is created
 * here if it is missing; an interrupted creation starts over.
 * @throws CliError if no PostgreSQL is found or its files cannot be created
 */
export async function postgresServer(options: PostgresServerOptions): Promise<LocalServer> {
  const { serverDirectory, database, port, environment, print } = options;
  const name = `Postgres ${database}`;
  const home = join(serverDirectory.path, `postgres-${database}`);
  const data = join(home, 'data');
  const binaries = await findPostgres(environment);
  const identity = await unprivileged(binaries.initdb, home);
  const env = postgresEnvironment(environment);
  await ensureData(binaries, identity, home, data, env, options);
  const [command = '', ...args] = [...identity.prefix, binaries.postgres, ...serverArguments(data, options)];
  const server = new ManagedProcess({
    name,
    command,
    args,
    env,
    cwd: home,
    ...(identity.uid === undefined ? {} : { uid: identity.uid }),
    ...(identity.gid === undefined ? {} : { gid: identity.gid }),
    serverDirectoryPath: serverDirectory.path,
    logFile: join(serverDirectory.logs, `postgres-${database}.log`),
    recordDirectory: serverDirectory.run,
    // SIGINT asks for a "fast" shutdown: sessions are ended, and everything is written to disk.
    stopSignal: 'SIGINT',
    stopLimitMs: 20_000,
    readyLimitMs: 60_000,
    isReady: () => hasDatabase(port, database),
    prepare: () => removeStalePidFile(data),
    print,
  });
  return server;
}

function serverArguments(data: string, { port, settings }: PostgresServerOptions): string[] {
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    ...settings,
  };
  return ['-D', data, ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
}

/** Variables in the caller's shell for libpq or for another server must not reach this one. */
function postgresEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([key]) => !key.startsWith('PG') && !key.startsWith('LC_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

async function ensureData(
  binaries: PostgresBinaries,
  identity: Unprivileged,
  home: string,
  data: string,
  env: NodeJS.ProcessEnv,
  { database, print, signal }: PostgresServerOptions,
): Promise<void> {
  const versionFile = join(data, 'PG_VERSION');
  if (existsSync(versionFile)) {
    const written = readFileSync(versionFile, 'utf8').trim();
    if (written === binaries.majorVersion) return;
    throw new CliError(
      `${data} was written by PostgreSQL ${written}, but ${binaries.postgres} is ${binaries.majorVersion}. ` +
        `Provide PostgreSQL ${written}, or delete the local state with "npm run reset".`,
    );
  }
  print(`Postgres ${database}: creating its files with PostgreSQL ${binaries.majorVersion}`);
  const draft = `${data}.draft`;
  rmSync(draft, { recursive: true, force: true });
  const passwordFile = join(home, 'password');
  // Everybody may read it: it is the fixed password of a server that only this machine can reach.
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o644 });
  const flags = ['--username', user, '--pwfile', passwordFile, '--auth=scram-sha-256', '--encoding=UTF8'];
  const rest = ['--locale=C', '--data-checksums', '--no-instructions', '--pgdata', draft];
  const [command = '', ...args] = [...identity.prefix, binaries.initdb, ...flags, ...rest];
  const { uid, gid } = identity;
  const as = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  await runCommand(command, args, { cwd: home, env, ...as, limitMs: initdbLimitMs, signal });
  rmSync(passwordFile);
  renameSync(draft, data);
}

/**
 * After a SIGKILL or a reboot postmaster.pid remains, and PostgreSQL refuses to start if another process has that pid
 * now. This removes the file. A server without a record that really runs on these data files is killed first.
 */
async function removeStalePidFile(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (pid > 1 && commandLineOf(pid).includes(data)) await killTree(pid);
  rmSync(file, { force: true });
}

/** Returns true once the server accepts connections and has the database, which is created if it is missing. */
async function hasDatabase(port: number, database: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: postgresDsn(port, 'postgres'),
    connectionTimeoutMillis: 3_000,
    query_timeout: 20_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}
