/**
 * Repeats `workBatch`, which returns the number of items that it processed, until it processes fewer than `batchSize`,
 * `stopped` fires, or `batchLimit` batches have run. Returns the total number of items.
 */
export async function inBatches(
  batchSize: number,
  batchLimit: number,
  stopped: AbortSignal,
  workBatch: () => Promise<number>,
): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < batchLimit && !stopped.aborted; batch += 1) {
    const size = await workBatch();
    total += size;
    if (size < batchSize) break;
  }
  return total;
}
