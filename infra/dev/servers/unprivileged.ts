import { chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../../runtime/cli-error.js';
import { commandWorks, runCommand } from '../processes/run-command.js';

/** How to start a program that refuses to run as root. */
export interface Unprivileged {
  /** Put before the command; empty if none is needed. */
  prefix: readonly string[];
  uid?: number;
  gid?: number;
}

const namespacePrefix = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

/**
 * Finds a way to run `program` as a user other than root that owns `directory`, which is created. In a user namespace
 * root appears as an ordinary user and can still enter its own 0700 folders. If a container forbids that, the program
 * runs as the user "nobody", who cannot. If this process does not run as root, there is nothing to do.
 * @throws CliError that names the ways out if neither works
 */
export async function unprivileged(program: string, directory: string): Promise<Unprivileged> {
  mkdirSync(directory, { recursive: true });
  if (process.getuid?.() !== 0) return { prefix: [] };
  const [unshare = '', ...flags] = namespacePrefix;
  if (await commandWorks(unshare, [...flags, program, '--version'])) {
    giveTo(directory, 0, 0);
    return { prefix: namespacePrefix };
  }
  const uid = Number(await runCommand('id', ['-u', 'nobody'], { limitMs: 5_000 }));
  const gid = Number(await runCommand('id', ['-g', 'nobody'], { limitMs: 5_000 }));
  giveTo(directory, uid, gid);
  const mayRun = await commandWorks(program, ['--version'], { uid, gid, cwd: '/' });
  const mayWrite = await commandWorks('test', ['-w', directory], { uid, gid, cwd: '/' });
  if (mayRun && mayWrite) return { prefix: [], uid, gid };
  throw new CliError(
    `PostgreSQL refuses to run as root; user namespaces are not permitted here, and the user "nobody" may not ${
      mayRun ? `write to ${directory}` : `run ${program}`
    }. Do one of the following:\n` +
      '  - run the command as a normal user\n' +
      '  - put the clone into a folder that other users may enter\n' +
      '  - set APP__ORDERS_DB_DSN and APP__PROCESSOR_DB_DSN to the addresses of running servers',
  );
}

/** Changes the owner of everything in the path, which is needed only if the last run used the other way. */
function giveTo(path: string, uid: number, gid: number): void {
  const stat = lstatSync(path);
  if (stat.uid === uid && stat.gid === gid) return;
  if (stat.isDirectory()) for (const entry of readdirSync(path)) giveTo(join(path, entry), uid, gid);
  if (!stat.isSymbolicLink()) chownSync(path, uid, gid);
}
