import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, processIdentity, type LockHolder } from './exclusive-lock.mjs';

const hasProcFs = existsSync('/proc/self/stat');
const goneLimitMs = 10_000;
const pollMs = 20;

/** Set in the environment of every process started here, so that even one whose parent is gone can be recognised. */
export const serverDirectoryVariable = 'LOCAL_INSTANCE_DIRECTORY';

/**
 * Kills the process, its group and all its descendants with SIGKILL, and waits until they are gone. Servers put their
 * children into sessions of their own, so killing the group alone is not enough.
 * @throws Error if one of them is still running after 10 seconds
 */
export async function killTree(root: number): Promise<void> {
  // The members of the group are listed too: if the root, its leader, is dead, they are no longer its descendants.
  const roots = [root, ...groupMembers(root)];
  await killAll([...new Set(roots.flatMap((pid) => [pid, ...descendantsOf(pid)]))]);
}

/** Kills several processes at once, with their groups, and waits like killTree. Ignores pids that no longer run. */
export async function killAll(pids: readonly number[]): Promise<void> {
  const victims = pids.map(reference).filter((victim) => victim !== undefined);
  for (const { pid } of victims) {
    signalQuietly(-pid, 'SIGKILL');
    signalQuietly(pid, 'SIGKILL');
  }
  if (!(await waitUntilGone(victims, goneLimitMs))) {
    const left = victims.filter(isAlive).map(({ pid }) => pid);
    throw new Error(`these processes are still running ${goneLimitMs / 1000} s after SIGKILL: ${left.join(', ')}`);
  }
}

/** Sends the signal to a process or, for a negative pid, to a group. Does nothing if it does not exist. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Pids of all current descendants of the process. */
export function descendantsOf(root: number): number[] {
  const all = processTable();
  const found = [root];
  // `found` grows while it is walked, and holds each pid once: every process has one parent.
  for (const parent of found) {
    for (const each of all) if (each.parent === parent && !found.includes(each.pid)) found.push(each.pid);
  }
  return found.slice(1);
}

function groupMembers(group: number): number[] {
  return processTable().flatMap((each) => (each.group === group ? [each.pid] : []));
}

/** Pids of the processes that were started for this server directory. Linux only; elsewhere empty. */
export function processesOfDirectory(directory: string): number[] {
  return processesWith(serverDirectoryVariable, directory);
}

/** Pids of the processes that have this variable in their environment. Linux only; elsewhere empty. */
export function processesWith(variable: string, value: string): number[] {
  if (!hasProcFs) return [];
  const marker = `${variable}=${value}`;
  return allPids().filter(
    (pid) => pid !== process.pid && isRunning(pid) && readQuietly(`/proc/${pid}/environ`).split('\0').includes(marker),
  );
}

function isRunning(pid: number): boolean {
  return processIdentity(pid) !== undefined;
}

/** Command line of a process, its arguments separated by blanks; empty if the process does not run. */
export function commandLineOf(pid: number): string {
  if (hasProcFs) return readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

export function reference(pid: number): LockHolder | undefined {
  const identity = processIdentity(pid);
  return identity === undefined ? undefined : { pid, identity };
}

async function waitUntilGone(processes: readonly LockHolder[], limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (processes.some(isAlive)) {
    if (Date.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}

interface TableRow {
  pid: number;
  parent: number;
  group: number;
}

function processTable(): TableRow[] {
  if (!hasProcFs) {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' }).trim().split('\n');
    return lines.map((line) => {
      const [pid = 0, parent = 0, group = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, parent, group };
    });
  }
  return allPids().flatMap((pid) => {
    const stat = readQuietly(`/proc/${pid}/stat`);
    const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat === '' ? [] : [{ pid, parent: Number(parent), group: Number(group) }];
  });
}

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Reads a file of /proc; empty if its process is gone. */
export function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
