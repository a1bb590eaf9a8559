import type { Publisher } from './publisher.js';

/**
 * True when no message waits in this queue; those that a consumer holds do not count. False when some do, or while
 * RabbitMQ cannot be asked. The answer may be a second old.
 */
export type IsQueueEmpty = (queue: string) => Promise<boolean>;

/** Thousands of workflows that look for themselves at once ask the broker once. */
const maxAgeMs = 1000;

/** Looks into queues, for those who decide whether a message was lost. */
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
