import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { repeat } from './background-loop.js';

describe('a background loop', () => {
  it('repeats its pass until it is stopped, and never after that', async () => {
    let passes = 0;
    const loop = repeat('counting', 1, testLogger, async () => void (passes += 1));
    loop.start();
    await eventually('three passes have run', () => assert.ok(passes >= 3));
    await loop.stop();
    const atStop = passes;
    await sleep(30);
    assert.equal(passes, atStop);
  });

  it('continues after a pass that fails', async () => {
    let passes = 0;
    const loop = repeat('failing', 1, testLogger, async () => {
      passes += 1;
      throw new Error('it broke');
    });
    loop.start();
    await eventually('three passes have run', () => assert.ok(passes >= 3));
    await loop.stop();
  });

  it('notifies the pass in progress when it is stopped, and waits for it', async () => {
    let notified = false;
    let finished = false;
    let begun = false;
    const loop = repeat('slow', 1, testLogger, async (stopped) => {
      begun = true;
      while (!stopped.aborted) await sleep(1);
      notified = true;
      await sleep(20);
      finished = true;
    });
    loop.start();
    await eventually('the pass has begun', () => assert.ok(begun));
    await loop.stop();
    assert.deepEqual([notified, finished], [true, true]);
  });

  it('does not wait for its interval to elapse when it is stopped', async () => {
    let passes = 0;
    const loop = repeat('rare', 3_600_000, testLogger, async () => void (passes += 1));
    loop.start();
    await eventually('the first pass has run', () => assert.equal(passes, 1));
    await loop.stop();
  });

  it('never runs two passes at once, even when it is started twice', async () => {
    let [passes, atOnce, max] = [0, 0, 0];
    const loop = repeat('slow', 0, testLogger, async () => {
      atOnce += 1;
      max = Math.max(max, atOnce);
      await sleep(5);
      atOnce -= 1;
      passes += 1;
    });
    loop.start();
    loop.start();
    await eventually('five passes have run', () => assert.ok(passes >= 5));
    await loop.stop();
    assert.equal(max, 1);
  });

  it('may be stopped twice, and before it is started', async () => {
    const loop = repeat('never', 1, testLogger, () => assert.fail('it was stopped before it was started'));
    await Promise.all([loop.stop(), loop.stop()]);
    loop.start();
    await loop.stop();
  });
});
