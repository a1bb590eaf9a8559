import type { Logger } from '../runtime/logger.js';

/** Logs the deliveries of one queue that wait for an outage to end. */
export interface OutageLog {
  /** Records that the delivery waits because of `error`. */
  waits(delivery: object, error: unknown): void;
  /** Records that the delivery no longer waits, whatever its outcome. */
  over(delivery: object): void;
}

/**
 * Creates a log that warns once for all deliveries of a queue: when the first one has to wait, and then at most once
 * per `periodMs` while any does. In an outage a thousand deliveries are held, and a line for each attempt of each would
 * hide everything else.
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
