import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

const probeLimitMs = 5_000;

/** Settles when the child has ended, with words that say how. */
export function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(`could not be started: ${error.message}`);
    });
    child.once('exit', (code, signal) =>
      // A moment for the last lines of output, which may arrive after the exit.
      setTimeout(() => resolve(code === null ? `was ended by ${String(signal)}` : `ended with code ${code}`), 50),
    );
  });
}

/** Asks once, for at most 5 seconds: "ready", or what is in the way. */
export async function probe(isReady: () => Promise<boolean>): Promise<string> {
  try {
    const timedOut = delay(probeLimitMs, 'no answer in 5 s' as const, { ref: false });
    const answer = await Promise.race([isReady(), timedOut]);
    if (typeof answer === 'string') return answer;
    return answer ? 'ready' : 'not ready yet';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Waits; false when it was cut short by `signal`. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}

/** Whether the promise settles within the limit. */
export async function settledWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const limit = new AbortController();
  const timedOut = delay(limitMs, false, { signal: limit.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), timedOut]);
  limit.abort();
  return settled;
}
