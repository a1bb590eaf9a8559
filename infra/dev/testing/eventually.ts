import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `check` every 50 ms until it does not throw, and returns its result.
 * @param what the awaited condition, for the error message
 * @throws Error with the last error of `check` when `timeoutMs` is over
 */
export async function eventually<T>(what: string, check: () => Promise<T> | T, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() < deadline) await sleep(50);
      else throw new Error(`timed out after ${timeoutMs} ms (${what}): ${String(error)}`, { cause: error });
    }
  }
}
