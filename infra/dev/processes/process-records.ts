import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type LockHolder } from './exclusive-lock.mjs';
import { descendantsOf, killAll, processesOfDirectory, reference } from './process-tree.js';

interface ProcessRecord extends LockHolder {
  name: string;
}

const suffix = '.pid.json';

/** Records on disk that `pid` runs for this run, so that a later run can kill it if this one is killed. */
export function recordProcess(directory: string, name: string, pid: number): void {
  const running = reference(pid);
  if (running === undefined) return;
  mkdirSync(directory, { recursive: true });
  const record: ProcessRecord = { name, ...running };
  writeFileSync(join(directory, fileName(name)), JSON.stringify(record));
}

/** Removes the record of the process with that name. */
export function forgetProcess(directory: string, name: string): void {
  rmSync(join(directory, fileName(name)), { force: true });
}

/**
 * Kills the processes that an earlier, killed run left running in this server directory, and returns their names. A
 * process is killed only if its pid and start time match a record, or if its environment carries the directory's mark.
 */
export async function killLeftovers(serverDirectoryPath: string, recordDirectory: string): Promise<string[]> {
  const recorded = readRecords(recordDirectory).filter(isAlive);
  const marked = processesOfDirectory(serverDirectoryPath);
  const pids = new Set([...recorded.flatMap(({ pid }) => [pid, ...descendantsOf(pid)]), ...marked]);
  await killAll([...pids]);
  for (const file of recordFiles(recordDirectory)) rmSync(join(recordDirectory, file), { force: true });
  const unnamed = pids.size > 0 && recorded.length === 0 ? [`${pids.size} processes`] : [];
  return [...recorded.map(({ name, pid }) => `${name} (process ${pid})`), ...unnamed];
}

/** Returns the recorded processes of a server directory. Some of them may have exited. */
export function readRecords(directory: string): ProcessRecord[] {
  return recordFiles(directory).flatMap((file) => {
    try {
      return [JSON.parse(readFileSync(join(directory, file), 'utf8')) as ProcessRecord];
    } catch {
      // The record was cut off while it was written; the process can still be found by its mark.
      return [];
    }
  });
}

function recordFiles(directory: string): string[] {
  try {
    return readdirSync(directory).filter((file) => file.endsWith(suffix));
  } catch {
    return [];
  }
}

function fileName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-') + suffix;
}
