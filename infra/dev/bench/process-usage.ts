import { readRecords } from '../processes/process-records.js';
import { descendantsOf, readQuietly } from '../processes/process-tree.js';

/** Linux counts CPU time in ticks of 10 ms (USER_HZ is 100 on every platform Node runs on). */
const msPerTick = 10;
const bytesPerPage = 4096;

/** CPU time used so far by the process and all its descendants, in milliseconds; 0 for a process that is gone. */
export function cpuMsOf(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + ticksOf(each) * msPerTick, 0);
}

/** Memory in use by the process alone (resident set), in bytes; 0 for a process that is gone. */
export function memoryOf(pid: number): number {
  return Number(readQuietly(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * bytesPerPage;
}

/** Pids of the started servers by name, from the records in their server directory. */
export function serverPids(runDirectory: string): Record<string, number> {
  return Object.fromEntries(readRecords(runDirectory).map(({ name, pid }) => [name, pid]));
}

function ticksOf(pid: number): number {
  const stat = readQuietly(`/proc/${pid}/stat`);
  // The fields follow the command's name in brackets. State is field 3, user and system time are fields 14 and 15, and
  // those of dead children are fields 16 and 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
}
