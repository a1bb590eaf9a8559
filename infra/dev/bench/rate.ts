/**
 * Runs `task` over and over in `width` loops. Answers how often it was done in a second of the `durationMs` that follow
 * the warm-up: loops that start at once are a burst of their own, and towards the end not all of them are at work.
 */
export async function ratePerSecond(
  width: number,
  durationMs: number,
  task: () => Promise<unknown>,
  warmUpMs = 200,
): Promise<number> {
  const begin = performance.now() + warmUpMs;
  const end = begin + durationMs;
  let count = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < end) {
      await task();
      const now = performance.now();
      if (now >= begin && now < end) count += 1;
    }
  };
  await Promise.all(Array.from({ length: width }, loop));
  return (count * 1000) / durationMs;
}
