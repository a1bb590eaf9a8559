import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `check` every 50 ms until it throws nothing, and returns what it returned.
 * @throws the last error of `check`, under the name of what was waited for, when `timeoutMs` is over
 */
export async function eventually<T>(what: string, check: () => Promise<T> | T, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() < deadline) await sleep(50);
      else throw new Error(`${what}: not within ${timeoutMs} ms: ${String(error)}`, { cause: error });
    }
  }
}
