import assert from 'node:assert/strict';
import { createInMemoryOrderStore } from './in-memory-order-store.js';
import { anOrder, traceparent } from './order-fixtures.js';
import { itKeepsThePromisesOfOrderStore } from './order-store-contract.js';

describe('the in-memory order store', () => {
  itKeepsThePromisesOfOrderStore(async (graceMs) => createInMemoryOrderStore({ graceMs }));

  it('defers the next check of a pending order by as long as it has been pending, from 30 s to an hour', async () => {
    for (const [ageMs, delayMs] of [
      [1000, 30_000],
      [600_000, 600_000],
      [10 * 3_600_000, 3_600_000],
    ] as const) {
      let now = 0;
      const store = createInMemoryOrderStore({ now: () => now });
      await store.place(anOrder('o-1'), traceparent);
      now = ageMs;
      await store.deferCheck(['o-1'], 30_000);
      now = ageMs + delayMs - 1;
      assert.deepEqual(await store.claimPending(1, 0), []);
      now = ageMs + delayMs;
      assert.equal((await store.claimPending(1, 0)).length, 1);
    }
  });
});
