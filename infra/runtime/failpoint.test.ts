import assert from 'node:assert/strict';
import { armedBy, type Failpoint } from './failpoint.js';

describe('a failpoint', () => {
  const passing = (setting: string, ...points: Failpoint[]): number[] => {
    let kills = 0;
    const failpoint = armedBy(setting, () => (kills += 1));
    return points.map((point) => {
      failpoint(point);
      return kills;
    });
  };

  it('kills the process only at the point that the setting names', () => {
    assert.deepEqual(passing('mark.before', 'publish.before', 'mark.before', 'mark.after'), [0, 1, 1]);
  });

  it('kills the process only at the pass whose number the setting gives', () => {
    assert.deepEqual(
      passing('mark.before:3', 'mark.before', 'mark.before', 'mark.before', 'mark.before'),
      [0, 0, 1, 1],
    );
  });

  it('throws at every pass, without killing the process, when the setting ends in ":error"', () => {
    const failpoint = armedBy('signal.before:error', () => assert.fail('the process was killed'));
    failpoint('mark.before');
    for (let time = 0; time < 3; time += 1) assert.throws(() => failpoint('signal.before'), /signal\.before fails/);
  });

  it('refuses a setting that names no failpoint', () => {
    for (const setting of ['mark', 'mark.before:0', 'mark.before:x', '']) {
      assert.throws(() => armedBy(setting), /APP__FAILPOINT is .* it must be one of place\.before, /);
    }
  });
});
