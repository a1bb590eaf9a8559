/**
 * The limit on waiting for the first events: RabbitMQ may be unavailable, or another instance's worker may have got the
 * task. Then starts follow one another at this pace.
 */
const maxWaitMs = 500;

/** Who waits for which workflow to have published the first events of its orders. */
export function createFirstEvents() {
  const waiting = new Map<string, () => void>();
  return {
    published: (workflowId: string): void => waiting.get(workflowId)?.(),
    of: (workflowId: string): Promise<void> =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxWaitMs);
        waiting.set(workflowId, () => {
          clearTimeout(timer);
          resolve();
        });
      }).finally(() => waiting.delete(workflowId)),
  };
}
