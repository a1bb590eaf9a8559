import assert from 'node:assert/strict';
import type pg from 'pg';
import { cachedQuery } from './registry.js';

describe('a cached query', () => {
  /** A pool that answers, or fails, when it is told to. */
  function startedPool() {
    const asked: { answer: (value: number) => void; fail: () => void }[] = [];
    const query = () =>
      new Promise((resolve, reject) => {
        const answer = (value: number): void => resolve([{ rows: [] }, { rows: [{ value }] }]);
        asked.push({ answer, fail: () => reject(new Error('it is unavailable')) });
      });
    return { asked, pool: { query } as unknown as pg.Pool };
  }

  it('is one statement for all who ask within 10 s, and another one after that', async () => {
    const { asked, pool } = startedPool();
    let now = 0;
    const read = cachedQuery(pool, 'select', () => now);
    const together = [read(), read()];
    asked[0]?.answer(7);
    assert.deepEqual(await Promise.all(together), [{ value: 7 }, { value: 7 }]);
    now = 9_999;
    assert.deepEqual(await read(), { value: 7 });
    now = 10_000;
    const later = read();
    asked[1]?.answer(8);
    assert.deepEqual(await later, { value: 8 });
    assert.equal(asked.length, 2);
  });

  it('keeps no failure: who asks next asks anew', async () => {
    const { asked, pool } = startedPool();
    const read = cachedQuery(pool, 'select', () => 0);
    const failing = read();
    asked[0]?.fail();
    await assert.rejects(failing, /it is unavailable/);
    const again = read();
    asked[1]?.answer(7);
    assert.deepEqual(await again, { value: 7 });
  });
});
