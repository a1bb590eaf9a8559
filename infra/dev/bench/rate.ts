/**
 * Runs `task` repeatedly in `width` concurrent loops and returns how often per second it completed during the
 * `durationMs` after the warm-up. Only that window counts: loops that start together cause a burst, and after the end
 * not all of them are still at work.
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
