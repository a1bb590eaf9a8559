import assert from 'node:assert/strict';
import type pg from 'pg';
import { cachedQuery } from './registry.js';

describe('a cached query', () => {
  /** A pool whose statements succeed or fail when the test says so. */
  function controlledPool() {
    const statements: { succeed: (value: number) => void; fail: () => void }[] = [];
    const query = () =>
      new Promise((resolve, reject) => {
        const succeed = (value: number): void => resolve([{ rows: [] }, { rows: [{ value }] }]);
        statements.push({ succeed, fail: () => reject(new Error('it is unavailable')) });
      });
    return { statements, pool: { query } as unknown as pg.Pool };
  }

  it('runs one statement for all callers within 10 s and another one after that', async () => {
    const { statements, pool } = controlledPool();
    let now = 0;
    const read = cachedQuery(pool, 'select', () => now);
    const together = [read(), read()];
    statements[0]?.succeed(7);
    assert.deepEqual(await Promise.all(together), [{ value: 7 }, { value: 7 }]);
    now = 9_999;
    assert.deepEqual(await read(), { value: 7 });
    now = 10_000;
    const later = read();
    statements[1]?.succeed(8);
    assert.deepEqual(await later, { value: 8 });
    assert.equal(statements.length, 2);
  });

  it('does not cache a failure: the next call runs the statement again', async () => {
    const { statements, pool } = controlledPool();
    const read = cachedQuery(pool, 'select', () => 0);
    const failing = read();
    statements[0]?.fail();
    await assert.rejects(failing, /it is unavailable/);
    const again = read();
    statements[1]?.succeed(7);
    assert.deepEqual(await again, { value: 7 });
  });
});
