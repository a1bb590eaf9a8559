import assert from 'node:assert/strict';
import { inBatches } from './in-batches.js';

const running = new AbortController().signal;

describe('work in batches', () => {
  it('continues until a batch is not full, and returns the total', async () => {
    const sizes = [10, 10, 3, 10];
    assert.equal(await inBatches(10, 100, running, async () => sizes.shift() ?? 0), 23);
    assert.deepEqual(sizes, [10]);
  });

  it('runs another batch after a full one, since more may be left', async () => {
    const sizes = [10, 0];
    assert.equal(await inBatches(10, 100, running, async () => sizes.shift() ?? 0), 10);
    assert.deepEqual(sizes, []);
  });

  it('ends at its limit even when more is always left', async () => {
    assert.equal(await inBatches(10, 4, running, async () => 10), 40);
  });

  it('ends between batches when it is stopped', async () => {
    const stopping = new AbortController();
    const workBatch = async (): Promise<number> => {
      stopping.abort();
      return 10;
    };
    assert.equal(await inBatches(10, 100, stopping.signal, workBatch), 10);
    assert.equal(await inBatches(10, 100, stopping.signal, workBatch), 0);
  });

  it('ends with the first error', async () => {
    let batches = 0;
    const workBatch = async (): Promise<number> => {
      batches += 1;
      throw new Error('it broke');
    };
    await assert.rejects(inBatches(10, 100, running, workBatch), /it broke/);
    assert.equal(batches, 1);
  });
});
