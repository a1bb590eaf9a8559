import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logger.js';

/** What runs beside the requests. `stop` waits for the pass under way, and stopping twice is fine. */
export interface BackgroundLoop {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Runs `pass`, waits `intervalMs`, and so on until stopped. A pass that throws is logged and the next one comes all the
 * same: a reconciler that dies of one bad moment would forget every order after it.
 */
export function repeat(
  name: string,
  intervalMs: number,
  logger: Logger,
  pass: (stopped: AbortSignal) => Promise<void>,
) {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await pass(stopping.signal);
      } catch (error) {
        logger.warn({ err: error, loop: name }, 'a background pass failed, the next one follows');
      }
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const loop: BackgroundLoop = {
    start: () => void (running ??= run()),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
  return loop;
}
