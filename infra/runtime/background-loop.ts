import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logger.js';

/** A task that runs in the background. `stop` waits for the pass in progress and may be called twice. */
export interface BackgroundLoop {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Creates a loop that runs `pass` and waits `intervalMs`, repeatedly until it is stopped. It logs the error of a pass
 * that throws and continues: a reconciler that ended with one error would never find another order.
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
        logger.warn({ err: error, loop: name }, 'a background pass failed; the next one runs after the usual interval');
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
