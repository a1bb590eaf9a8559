import assert from 'node:assert/strict';
import { armedBy, type Failpoint } from './failpoint.js';

describe('a crash point', () => {
  const passing = (setting: string, ...points: Failpoint[]): number[] => {
    const deaths: number[] = [];
    const failpoint = armedBy(setting, () => deaths.push(deaths.length));
    return points.map((point) => {
      failpoint(point);
      return deaths.length;
    });
  };

  it('kills where it is named, and nowhere else', () => {
    assert.deepEqual(passing('mark.before', 'publish.before', 'mark.before', 'mark.after'), [0, 1, 1]);
  });

  it('kills the time it is told to, and no other', () => {
    assert.deepEqual(
      passing('mark.before:3', 'mark.before', 'mark.before', 'mark.before', 'mark.before'),
      [0, 0, 1, 1],
    );
  });

  it('fails where it is told to, every time, and kills nobody', () => {
    const failpoint = armedBy('signal.before:error', () => assert.fail('nobody dies'));
    failpoint('mark.before');
    for (let time = 0; time < 3; time += 1) assert.throws(() => failpoint('signal.before'), /signal\.before fails/);
  });

  it('that is not there is refused', () => {
    for (const setting of ['mark', 'mark.before:0', 'mark.before:x', '']) {
      assert.throws(() => armedBy(setting), /APP__FAILPOINT is .* it must be one of place\.before, /);
    }
  });
});
