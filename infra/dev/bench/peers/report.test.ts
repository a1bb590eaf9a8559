import assert from 'node:assert/strict';
import { peersReport, type PeerMeasurement } from './report.js';

const measured: PeerMeasurement = {
  title: 'this system',
  versions: '',
  perSecond: [100, 300],
  cpuMs: [
    { Temporal: 1, processor: 2 },
    { Temporal: 3, processor: 2 },
  ],
  latencies: [10, 20, 30],
  notes: ['a note'],
};

describe('the report of the peers', () => {
  it('shows medians over the rounds, the CPU time of all processes together, and percentiles over all orders', () => {
    const [, , row = ''] = peersReport([measured]).split('\n');
    assert.match(row, /^\| this system +\| 200 1\/s \(100 to 300\) \| 4 ms \(3 to 5\) +\| 20 ms +\| 29\.8 ms /);
  });

  it('lists the CPU time of each process and the notes below the table', () => {
    const report = peersReport([measured]);
    assert.match(report, /\n- this system: CPU-ms per order: Temporal 2, processor 2\n- this system: a note$/);
  });

  it('says why a system was skipped or is invalid, and shows no figures for it', () => {
    const report = peersReport([
      { ...measured, title: 'absent', skipped: 'not | available\nhere' },
      { ...measured, title: 'lossy', invalid: 'an order was lost' },
    ]);
    const [, , absent = '', lossy = ''] = report.split('\n');
    assert.match(absent, /^\| absent \| skipped: not available here +\| +\| +\| +\| +\|$/);
    assert.match(lossy, /^\| lossy +\| INVALID: an order was lost +\| +\| +\| +\| +\|$/);
    assert.doesNotMatch(report, /CPU-ms per order: /);
  });
});
