/**
 * Makes this process a reference that a benchmark runs again and again: every message from the parent is one run of so
 * many milliseconds, and is answered with its result. Ends with the parent.
 */
export function serve(run: (durationMs: number) => Promise<unknown>): void {
  process.on('message', (durationMs: number) => {
    run(durationMs).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}

/** Runs `task` over and over in `width` loops for `durationMs`. Answers how often it ran in a second. */
export async function ratePerSecond(width: number, durationMs: number, task: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  let count = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() - begin < durationMs) {
      await task();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: width }, loop));
  return (count * 1000) / (performance.now() - begin);
}
