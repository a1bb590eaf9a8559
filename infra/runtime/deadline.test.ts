import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineExceeded, withDeadline } from './deadline.js';

describe('a deadline', () => {
  it('passes on the result of work that ends in time', async () => {
    assert.equal(await withDeadline('adding', 10_000, Promise.resolve(3)), 3);
  });

  it('passes on the error of work that fails in time', async () => {
    const failure = new Error('it broke');
    await assert.rejects(withDeadline('adding', 10_000, Promise.reject(failure)), failure);
  });

  it('ends the wait for work that takes too long, with an error that names the work', async () => {
    const never = new Promise<void>(() => undefined);
    await assert.rejects(
      withDeadline('computing', 20, never),
      (error) => error instanceof DeadlineExceeded && error.message === 'computing took longer than 20 ms',
    );
  });

  it('leaves no timer behind that keeps the process alive', async () => {
    await sleep(1); // mocha has started its own timer by now
    const before = timers();
    await withDeadline('adding', 60_000, Promise.resolve());
    await withDeadline('adding', 60_000, Promise.reject(new Error('it broke'))).catch(() => undefined);
    assert.equal(timers(), before);
  });

  it('ignores the failure of work after the wait for it has ended', async () => {
    const unhandled: unknown[] = [];
    const record = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', record);
    try {
      const late = sleep(40).then(() => Promise.reject(new Error('too late')));
      await assert.rejects(withDeadline('adding', 5, late), DeadlineExceeded);
      await sleep(80);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off('unhandledRejection', record);
    }
  });
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}
