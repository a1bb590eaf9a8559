import type { Publisher } from './publisher.js';

/**
 * Resolves to true if no message waits in this queue, not counting those that a consumer holds. Resolves to false if
 * some wait or RabbitMQ is unavailable. The result may be up to 1 s old.
 */
export type IsQueueEmpty = (queue: string) => Promise<boolean>;

/** Thousands of workflows that check at once share one request to the broker. */
const maxAgeMs = 1000;

/** Creates a function that inspects queues, for callers that decide whether a message was lost. */
export function createQueueInspector(publisher: Pick<Publisher, 'depthOf'>): IsQueueEmpty {
  const known = new Map<string, { readonly askedAt: number; readonly isEmpty: Promise<boolean> }>();
  return (queue) => {
    const last = known.get(queue);
    if (last && performance.now() - last.askedAt < maxAgeMs) return last.isEmpty;
    const isEmpty = publisher.depthOf(queue).then(
      (depth) => depth === 0,
      () => false,
    );
    known.set(queue, { askedAt: performance.now(), isEmpty });
    return isEmpty;
  };
}
