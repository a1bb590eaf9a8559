export interface BatcherOptions<Item, Result> {
  /** Processes all items at once or fails for all of them. Returns a result for each item, in their order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Returns true if an error means an outage and not a bad item; then no item is run alone. */
  readonly isOutage: (error: unknown) => boolean;
  readonly maxBatchSize: number;
  readonly maxInFlight: number;
  /** How long an item waits for others while batches are in flight. By default it waits until one of them is done. */
  readonly maxAgeMs?: number;
  /** How long the first item waits for others while no batch is in flight. By default it does not wait. */
  readonly lingerMs?: number;
  /** Items with different keys never share a batch, and the limits apply per key. By default there is one key. */
  readonly key?: (item: Item) => string;
}

/**
 * Creates a function that submits an item and resolves to its result (group commit). An item that arrives alone runs at
 * once. Items that arrive meanwhile run together, at most `maxBatchSize` of them, when the batch in flight is done or
 * after `maxAgeMs`. The limit is a maximum age and not a pause between items, since steady load leaves none.
 *
 * When a batch fails by itself, each of its items runs alone, so that one bad item does not fail the others; `run` must
 * therefore be all or nothing. In an outage the whole batch fails.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { key } = options;
  if (!key) return createLane(options);
  const lanes = new Map<string, { readonly submit: (item: Item) => Promise<Result>; items: number }>();
  return (item) => {
    const name = key(item);
    const lane = lanes.get(name) ?? { submit: createLane(options), items: 0 };
    lanes.set(name, lane);
    lane.items += 1;
    return lane.submit(item).finally(() => {
      lane.items -= 1;
      if (lane.items === 0) lanes.delete(name);
    });
  };
}

function createLane<Item, Result>(options: BatcherOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { maxBatchSize, maxAgeMs, maxInFlight, lingerMs = 0 } = options;
  const waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    scheduled = false;
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0 && inFlight < maxInFlight) {
      inFlight += 1;
      void runBatch(waiting.splice(0, maxBatchSize), options).finally(() => {
        inFlight -= 1;
        flush();
      });
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      const isFull = waiting.length >= maxBatchSize;
      if (inFlight === 0 && lingerMs > 0 && !isFull) timer ??= setTimeout(flush, lingerMs);
      else if (inFlight === 0 || isFull) {
        // Wait for the next turn of the event loop, so that items from the same socket read run together.
        if (!scheduled) setImmediate(flush);
        scheduled = true;
      } else if (maxAgeMs !== undefined) timer ??= setTimeout(flush, maxAgeMs);
    });
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Never rejects. */
async function runBatch<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  options: BatcherOptions<Item, Result>,
): Promise<void> {
  try {
    const results = await options.run(batch.map(({ item }) => item));
    batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
  } catch (error) {
    if (batch.length === 1 || options.isOutage(error)) {
      for (const { reject } of batch) reject(error);
    } else {
      for (const each of batch) await runBatch([each], options);
    }
  }
}
