import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

const probeLimitMs = 5_000;

/** Resolves when the child has exited or could not be started, with a text such as `exited with code 1`. */
export function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(`could not be started: ${error.message}`);
    });
    child.once('exit', (code, signal) =>
      // The last lines of output may arrive shortly after the exit.
      setTimeout(() => resolve(code === null ? `was killed by ${String(signal)}` : `exited with code ${code}`), 50),
    );
  });
}

/** Checks once, for at most 5 seconds. Returns "ready", or why it is not ready. */
export async function probe(isReady: () => Promise<boolean>): Promise<string> {
  try {
    const timedOut = delay(probeLimitMs, 'no response within 5 s' as const, { ref: false });
    const result = await Promise.race([isReady(), timedOut]);
    if (typeof result === 'string') return result;
    return result ? 'ready' : 'not ready yet';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Waits; false if `signal` cut the wait short. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}

/** Waits for the promise to settle; false if it has not done so within the limit. */
export async function settledWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const limit = new AbortController();
  const timedOut = delay(limitMs, false, { signal: limit.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), timedOut]);
  limit.abort();
  return settled;
}
