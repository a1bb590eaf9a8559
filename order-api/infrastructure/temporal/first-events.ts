/** Workflows that have been started and are about to publish the first events of their orders. */
export interface FirstEvents {
  /** Resolves when this workflow has published its first events, or is not waited for any longer. Never rejects. */
  of(workflowId: string): Promise<void>;
  /** Records that this workflow has tried to publish its first events, and whether it succeeded. */
  attempted(workflowId: string, isPublished: boolean): void;
}

/**
 * The limit on waiting for the first events: RabbitMQ may be unavailable, or another instance's worker may have got the
 * task. Then starts follow one another at this pace.
 */
const maxWaitMs = 500;

/**
 * @param maxOrdersPerWorkflow Where orders can share a workflow, a failed attempt does not end the wait: while RabbitMQ is
 * unavailable, more orders gather in each workflow.
 */
export function createFirstEvents(maxOrdersPerWorkflow: number): FirstEvents {
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
