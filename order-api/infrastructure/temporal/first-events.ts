/** Workflows that have been started and are about to publish the first events of their orders. */
export interface FirstEvents {
  /** Resolves when this workflow has published its first events or the wait ends without them. Never rejects. */
  of(workflowId: string): Promise<void>;
  /** Records that this workflow has tried to publish its first events, and whether it succeeded. */
  attempted(workflowId: string, isPublished: boolean): void;
}

/**
 * The limit on waiting for the first events: RabbitMQ may be unavailable, or another instance's worker may have
 * received the task. In these cases it sets the pace at which starts follow one another.
 */
const usualMaxWaitMs = 500;

/**
 * Tracks the first events of started workflows.
 * @param maxOrdersPerWorkflow when this is more than 1, a failed attempt does not end the wait, so that more orders
 * gather in each workflow while RabbitMQ is unavailable
 * @param maxWaitMs the limit on the wait for one workflow. Default: 500 ms
 */
export function createFirstEvents(maxOrdersPerWorkflow: number, maxWaitMs = usualMaxWaitMs): FirstEvents {
  const waiting = new Map<string, () => void>();
  return {
    of: (workflowId) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxWaitMs);
        waiting.set(workflowId, () => {
          clearTimeout(timer);
          resolve();
        });
      }).finally(() => waiting.delete(workflowId)),
    attempted: (workflowId, isPublished) => {
      if (isPublished || maxOrdersPerWorkflow === 1) waiting.get(workflowId)?.();
    },
  };
}
