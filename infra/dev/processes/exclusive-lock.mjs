// Plain JavaScript without dependencies: bootstrap.mjs uses it before node_modules exists.
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const retryMs = 250;
const staleRounds = 5;
const hasProcFs = existsSync('/proc/self/stat');
const bootId = hasProcFs ? readOr('/proc/sys/kernel/random/boot_id', '').trim() : '';

/** A text that identifies the process with this pid and is never reused; undefined if no such process runs. */
export function processIdentity(pid) {
  if (!hasProcFs) return identityFromPs(pid);
  const stat = readOr(`/proc/${pid}/stat`, '');
  // The command's name, in parentheses, may contain blanks, so the fields are counted from after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  const gone = startTicks === undefined || state === 'Z' || state === 'X';
  return gone ? undefined : `${startTicks}@${bootId}`;
}

/** True if the process that `holder` ({pid, identity}) describes is still running. */
export function isAlive(holder) {
  return holder !== undefined && processIdentity(holder.pid) === holder.identity;
}

/**
 * Acquires the lock `file` for this process and returns the function that releases it. A lock whose owner is dead is
 * taken over. While a running process holds the lock, this waits up to `waitMs` and calls `onWait(pid)` once.
 * @throws Error with the property `heldBy` (a pid) when the time is over
 */
export async function acquireLock(file, { waitMs = 0, onWait = () => undefined } = {}) {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = Date.now() + waitMs;
  for (let round = 0; ; round += 1) {
    if (tryToTake(file)) return () => release(file);
    const holder = removeIfStale(file);
    if (holder === undefined && round < staleRounds) continue;
    if (round === 0 && waitMs > 0) onWait(holder?.pid);
    if (Date.now() >= deadline) {
      throw Object.assign(new Error(`${file} is held by process ${holder?.pid}`), { heldBy: holder?.pid });
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

function tryToTake(file) {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }));
  try {
    // A link appears together with its content; a file created with O_EXCL would be empty for a moment and look stale.
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Returns the holder if it is running, or undefined once the file of a dead holder is out of the way. */
function removeIfStale(file) {
  const holder = readHolder(file);
  if (isAlive(holder)) return holder;
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    // Another process may have acquired the lock between the read and the rename; its file is then put back.
    if (isAlive(readHolder(aside))) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  return undefined;
}

function release(file) {
  if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
}

function readHolder(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function readOr(file, fallback) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}

function identityFromPs(pid) {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ')).trim();
  } catch {
    return undefined;
  }
}
