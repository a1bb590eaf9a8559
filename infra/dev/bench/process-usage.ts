import { readRecords } from '../processes/process-records.js';
import { descendantsOf, readQuietly } from '../processes/process-tree.js';

/** Linux counts CPU time in ticks of 10 ms (USER_HZ is 100 on every platform Node runs on). */
const msPerTick = 10;
const bytesPerPage = 4096;

/** CPU time used so far by the process and all it has started, in milliseconds; of a process that is gone, 0. */
export function cpuMsOf(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + ticksOf(each) * msPerTick, 0);
}

/** Memory in use by the process alone (resident set), in bytes. */
export function memoryOf(pid: number): number {
  return Number(readQuietly(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * bytesPerPage;
}

/** The servers of an instance by name, from the records it keeps of what it has started. */
export function serverPids(runDirectory: string): Record<string, number> {
  return Object.fromEntries(readRecords(runDirectory).map(({ name, pid }) => [name, pid]));
}

function ticksOf(pid: number): number {
  const stat = readQuietly(`/proc/${pid}/stat`);
  // After the command's name in brackets: state is field 3; user and system time are 14 and 15, of dead children 16, 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
}
