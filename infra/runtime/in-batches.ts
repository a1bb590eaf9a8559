/**
 * Repeats `workBatch`, which answers how many it worked on, until one comes back smaller than `batchSize`, `stopped`
 * fires, or `batchLimit` is reached. Returns how many there were in all.
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
