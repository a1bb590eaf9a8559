import type { Logger } from '../runtime/logger.js';

/** What is said of the deliveries of one queue that wait for something to become available again. */
export interface OutageLog {
  waits(delivery: object, error: unknown): void;
  /** The delivery waits no longer, whatever became of it. */
  over(delivery: object): void;
}

/**
 * One warning for all deliveries of a queue together: when the first has to wait, and once a period while any does. A
 * thousand are held in an outage, and a line for each attempt of each would hide everything else.
 */
export function createOutageLog(queue: string, periodMs: number, logger: Logger): OutageLog {
  const waiting = new Set<object>();
  let silentUntil = 0;
  return {
    waits: (delivery, error) => {
      waiting.add(delivery);
      if (performance.now() < silentUntil) return;
      silentUntil = performance.now() + periodMs;
      logger.warn({ err: error, queue, waiting: waiting.size }, 'messages wait, what they need is unavailable');
    },
    over: (delivery) => void waiting.delete(delivery),
  };
}
