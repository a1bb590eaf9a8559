import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { repeat } from './background-loop.js';

describe('background loop', () => {
  it('runs again and again until it is stopped, and never after that', async () => {
    let passes = 0;
    const loop = repeat('counting', 1, testLogger, async () => void (passes += 1));
    loop.start();
    await eventually('three passes', () => assert.ok(passes >= 3));
    await loop.stop();
    const atStop = passes;
    await sleep(30);
    assert.equal(passes, atStop);
  });

  it('a pass that fails does not end the loop', async () => {
    let passes = 0;
    const loop = repeat('failing', 1, testLogger, async () => {
      passes += 1;
      throw new Error('it broke');
    });
    loop.start();
    await eventually('three passes', () => assert.ok(passes >= 3));
    await loop.stop();
  });

  it('a stop waits for the pass under way, and tells it', async () => {
    let told = false;
    let finished = false;
    let begun = false;
    const loop = repeat('slow', 1, testLogger, async (stopped) => {
      begun = true;
      while (!stopped.aborted) await sleep(1);
      told = true;
      await sleep(20);
      finished = true;
    });
    loop.start();
    await eventually('the pass begins', () => assert.ok(begun));
    await loop.stop();
    assert.deepEqual([told, finished], [true, true]);
  });

  it('a stop does not wait for the interval to pass', async () => {
    let passes = 0;
    const loop = repeat('rare', 3_600_000, testLogger, async () => void (passes += 1));
    loop.start();
    await eventually('the first pass', () => assert.equal(passes, 1));
    await loop.stop();
  });

  it('passes never overlap, and starting twice is starting once', async () => {
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
    await eventually('five passes', () => assert.ok(passes >= 5));
    await loop.stop();
    assert.equal(max, 1);
  });

  it('may be stopped twice, and before it was started', async () => {
    const loop = repeat('never', 1, testLogger, () => assert.fail('it was stopped before it was started'));
    await Promise.all([loop.stop(), loop.stop()]);
    loop.start();
    await loop.stop();
  });
});
