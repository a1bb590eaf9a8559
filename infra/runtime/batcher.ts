export interface BatcherOptions<Item, Result> {
  /** Works on all items at once, or fails for all of them. Answers in their order. */
  readonly work: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** True when an error is about something that is away and not about an item: then nobody is tried alone. */
  readonly isOutage: (error: unknown) => boolean;
  readonly maxSize: number;
  /** How long an item waits for company at most, while others are being worked on. */
  readonly maxAgeMs: number;
  readonly maxInFlight: number;
}

/**
 * Group commit: an item that comes alone is worked on at once; those that come meanwhile leave together, when the batch
 * under way is done or after `maxAgeMs`, at most `maxSize` of them. Maximum age, not a pause since the last one: under
 * steady load a pause never comes.
 *
 * When a batch fails by itself, each of its items is tried alone, so that one bad item cannot taint its neighbours;
 * `work` must be all or nothing for that. An outage fails all of them.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { maxSize, maxAgeMs, maxInFlight } = options;
  const waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;
  let tooOld: NodeJS.Timeout | undefined;

  function leave(): void {
    scheduled = false;
    clearTimeout(tooOld);
    tooOld = undefined;
    while (waiting.length > 0 && inFlight < maxInFlight) {
      inFlight += 1;
      void settle(waiting.splice(0, maxSize), options).finally(() => {
        inFlight -= 1;
        leave();
      });
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (inFlight === 0 || waiting.length >= maxSize) {
        // Not in this turn: what arrived in the same read of a socket leaves together.
        if (!scheduled) setImmediate(leave);
        scheduled = true;
      } else tooOld ??= setTimeout(leave, maxAgeMs);
    });
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Never rejects. */
async function settle<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  options: BatcherOptions<Item, Result>,
): Promise<void> {
  try {
    const results = await options.work(batch.map(({ item }) => item));
    batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
  } catch (error) {
    if (batch.length === 1 || options.isOutage(error)) {
      for (const { reject } of batch) reject(error);
    } else {
      for (const each of batch) await settle([each], options);
    }
  }
}
