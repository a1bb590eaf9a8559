import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { createBatcher, type BatcherOptions } from './batcher.js';

const never = () => false;

function setUp(options: Partial<BatcherOptions<number, string>> = {}) {
  const batches: number[][] = [];
  const releases: (() => void)[] = [];
  const submit = createBatcher<number, string>({
    run: async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => releases.push(resolve));
      return items.map((item) => `done ${item}`);
    },
    isOutage: never,
    maxBatchSize: 3,
    maxAgeMs: 60_000,
    maxInFlight: 1,
    ...options,
  });
  return { batches, submit, release: () => releases.splice(0).forEach((each) => void each()) };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a batcher', () => {
  it('runs an item that arrives alone at once', async () => {
    const { batches, submit, release } = setUp();
    const result = submit(1);
    await turn();
    assert.deepEqual(batches, [[1]]);
    release();
    assert.equal(await result, 'done 1');
  });

  it('runs items that arrive meanwhile together, in order, up to its maximum batch size', async () => {
    const { batches, submit, release } = setUp();
    const results = [submit(1)];
    await turn();
    for (const item of [2, 3, 4, 5, 6]) results.push(submit(item));
    await turn();
    assert.deepEqual(batches, [[1]]);
    for (let round = 0; round < 3; round += 1) {
      release();
      await turn();
    }
    assert.deepEqual(batches, [[1], [2, 3, 4], [5, 6]]);
    assert.deepEqual(
      await Promise.all(results),
      [1, 2, 3, 4, 5, 6].map((item) => `done ${item}`),
    );
  });

  it('does not delay an item beyond the maximum age, however many items follow it', async () => {
    const { batches, submit, release } = setUp({ maxAgeMs: 5, maxInFlight: 10, maxBatchSize: 100 });
    const results = [submit(1)];
    await turn();
    for (let item = 2; batches.length < 2; item += 1) {
      assert.ok(item < 1000, 'the second batch has not run');
      results.push(submit(item));
      await sleep(1);
    }
    const poll = setInterval(release, 1);
    await Promise.all(results);
    clearInterval(poll);
  });

  it('runs no more batches at once than its limit', async () => {
    const { batches, submit, release } = setUp({ maxInFlight: 2, maxBatchSize: 1 });
    const results = [1, 2, 3].map(submit);
    await turn();
    assert.deepEqual(batches, [[1], [2]]);
    for (let round = 0; round < 2; round += 1) {
      release();
      await turn();
    }
    await Promise.all(results);
    assert.deepEqual(batches, [[1], [2], [3]]);
  });

  it('runs each item alone when a batch fails by itself, and fails only the bad item', async () => {
    const batches: number[][] = [];
    const submit = createBatcher<number, number>({
      run: async (items) => {
        batches.push([...items]);
        if (items.includes(2)) throw new Error('2 is bad');
        return items;
      },
      isOutage: never,
      maxBatchSize: 10,
      maxAgeMs: 5,
      maxInFlight: 1,
    });
    const results = await Promise.allSettled([1, 2, 3].map(submit));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(batches, [[1, 2, 3], [1], [2], [3]]);
  });

  it('fails the whole batch in an outage, without running each item alone', async () => {
    let calls = 0;
    const submit = createBatcher<number, number>({
      run: async () => {
        calls += 1;
        throw new Error('unavailable');
      },
      isOutage: () => true,
      maxBatchSize: 10,
      maxAgeMs: 5,
      maxInFlight: 1,
    });
    const results = await Promise.allSettled([1, 2, 3].map(submit));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.equal(calls, 1);
  });

  it('runs items with different keys in separate batches that do not wait for each other', async () => {
    const { batches, submit, release } = setUp({ key: (item) => (item % 2 === 0 ? 'even' : 'odd') });
    const results = [1, 2, 3, 4].map(submit);
    await turn();
    assert.deepEqual(batches, [
      [1, 3],
      [2, 4],
    ]);
    release();
    assert.deepEqual(await Promise.all(results), ['done 1', 'done 2', 'done 3', 'done 4']);
  });

  it('delays the first item by its linger time unless the batch is full earlier', async () => {
    const { batches, submit, release } = setUp({ lingerMs: 30 });
    const results = [submit(1)];
    await turn();
    assert.equal(batches.length, 0);
    results.push(submit(2));
    await sleep(60);
    assert.deepEqual(batches, [[1, 2]]);
    release();
    await Promise.all(results);
    results.push(submit(3), submit(4), submit(5));
    await turn();
    assert.deepEqual(batches.at(-1), [3, 4, 5]);
    release();
    await Promise.all(results);
  });

  it('settles every item once, whenever items arrive and whichever fail', async () => {
    const arrivals = fc.array(fc.record({ bad: fc.boolean(), pause: fc.boolean() }), { maxLength: 40 });
    const sizes = fc.record({
      maxBatchSize: fc.integer({ min: 1, max: 7 }),
      maxInFlight: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(arrivals, sizes, async (items, limits) => {
        const submit = createBatcher<{ index: number; bad: boolean }, number>({
          run: async (batch) => {
            assert.ok(batch.length <= limits.maxBatchSize);
            await turn();
            if (batch.some(({ bad }) => bad)) throw new Error('bad');
            return batch.map(({ index }) => index);
          },
          isOutage: never,
          maxAgeMs: 1,
          ...limits,
        });
        const results = [];
        for (const [index, { bad, pause }] of items.entries()) {
          const result = submit({ index, bad });
          result.catch(() => undefined); // checked below
          results.push(result);
          if (pause) await turn();
        }
        const settled = await Promise.allSettled(results);
        settled.forEach((result, index) => {
          if (items[index]?.bad) assert.equal(result.status, 'rejected');
          else assert.deepEqual(result, { status: 'fulfilled', value: index });
        });
      }),
      { numRuns: 50 },
    );
  });
});
