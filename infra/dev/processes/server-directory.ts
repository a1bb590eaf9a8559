import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../../runtime/cli-error.js';
import { acquireLock, processIdentity } from './exclusive-lock.mjs';
import { killLeftovers } from './process-records.js';

export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));
const localDirectory = join(repositoryRoot, '.local');
/** The server directory of `npm start`. */
export const devDirectory = join(localDirectory, 'dev');

export type ServerDirectoryKind = 'dev' | 'test';
export type Print = (line: string) => void;

/** The files of one set of private servers, and the lock on them. */
export interface ServerDirectory {
  kind: ServerDirectoryKind;
  path: string;
  logs: string;
  run: string;
  /** Releases the lock. The files of a `test` directory are removed. */
  close(): void;
}

let testDirectoryCount = 0;

/**
 * Opens `.local/dev`, which keeps its state, or a new `.local/test-<pid>-<n>`, which does not. Kills the processes that
 * a killed run left behind, and prints their names.
 * @throws CliError if a running process uses `.local/dev`
 */
export async function openServerDirectory(kind: ServerDirectoryKind, print: Print): Promise<ServerDirectory> {
  if (kind === 'test') await sweepTestDirectories(print);
  const directory =
    kind === 'dev' ? devDirectory : join(localDirectory, `test-${process.pid}-${(testDirectoryCount += 1)}`);
  const logs = join(directory, 'logs');
  const run = join(directory, 'run');
  const release = await lockDirectory(directory);
  mkdirSync(logs, { recursive: true });
  const left = await killLeftovers(directory, run);
  if (left.length > 0) print(`killed what an earlier run left running: ${left.join(', ')}`);
  const close = () => {
    release();
    if (kind === 'test') rmSync(directory, { recursive: true, force: true });
  };
  return { kind, path: directory, logs, run, close };
}

/** Removes the test directories of processes that are gone, and kills what is still running for them. */
export async function sweepTestDirectories(print: Print): Promise<void> {
  for (const name of testDirectories()) {
    const pid = Number(name.split('-')[1]);
    // A running process may be about to take the lock; a recycled pid only delays the sweep.
    if (processIdentity(pid) !== undefined) continue;
    const directory = join(localDirectory, name);
    const release = await lockDirectory(directory).catch(() => undefined);
    if (release === undefined) continue;
    const left = await killLeftovers(directory, join(directory, 'run'));
    if (left.length > 0) print(`killed what an earlier test run left running: ${left.join(', ')}`);
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Deletes the state of `npm start`.
 * @throws CliError while `npm start` is running
 */
export async function removeDevDirectory(print: Print): Promise<void> {
  const serverDirectory = await openServerDirectory('dev', print);
  rmSync(serverDirectory.path, { recursive: true, force: true });
}

async function lockDirectory(directory: string): Promise<() => void> {
  try {
    return await acquireLock(join(directory, 'run', 'supervisor.lock'));
  } catch (error) {
    const pid = (error as { heldBy?: number }).heldBy;
    if (pid === undefined) throw error;
    throw new CliError(`Process ${pid} is already using ${directory}. Stop it first: kill -TERM ${pid}`);
  }
}

function testDirectories(): string[] {
  try {
    return readdirSync(localDirectory).filter((name) => /^test-\d+-\d+$/.test(name));
  } catch {
    return [];
  }
}
