import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineExceeded, withDeadline } from './deadline.js';

describe('deadline', () => {
  it('lets work that is in time through, with its result', async () => {
    assert.equal(await withDeadline('adding', 10_000, Promise.resolve(3)), 3);
  });

  it('lets the error of work that is in time through', async () => {
    const failure = new Error('it broke');
    await assert.rejects(withDeadline('adding', 10_000, Promise.reject(failure)), failure);
  });

  it('ends the wait for work that takes too long, and says what that was', async () => {
    const never = new Promise<void>(() => undefined);
    await assert.rejects(
      withDeadline('asking the oracle', 20, never),
      (error) => error instanceof DeadlineExceeded && error.message === 'asking the oracle took longer than 20 ms',
    );
  });

  it('leaves no timer behind that would keep the process alive', async () => {
    await sleep(1); // mocha's own timer is there by now
    const before = timers();
    await withDeadline('adding', 60_000, Promise.resolve());
    await withDeadline('adding', 60_000, Promise.reject(new Error('it broke'))).catch(() => undefined);
    assert.equal(timers(), before);
  });

  it('swallows the failure of work nobody waits for any more', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      const late = sleep(40).then(() => Promise.reject(new Error('too late')));
      await assert.rejects(withDeadline('adding', 5, late), DeadlineExceeded);
      await sleep(80);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}
