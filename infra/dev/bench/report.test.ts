import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableOf, writeResults } from './report.js';
import { targetResultOf, type Measurement, type Plan } from './scenario.js';

const measurement: Measurement = {
  slug: 'default-settling',
  title: 'orders',
  unit: '1/s',
  subject: [20, 30, 10],
  reference: [2, 2, 2],
  ratio: 10,
  pairs: [10, 15, 5],
  target: { atLeast: 10 },
  notes: ['a note'],
};

describe('the report of a benchmark', () => {
  it('says whether a target is met, missed as known, or missed', () => {
    const of = (ratio: number, target: Measurement['target']) => targetResultOf({ ...measurement, ratio, target });
    assert.equal(of(10, { atLeast: 10 }), 'met');
    assert.equal(of(9.9, { atLeast: 10 }), 'MISSED');
    assert.equal(of(9.9, { atLeast: 10, reached: 9 }), 'missed, as known');
    assert.equal(of(8.9, { atLeast: 10, reached: 9 }), 'MISSED');
    assert.equal(of(4, { atMost: 4 }), 'met');
    assert.equal(of(4.1, { atMost: 4 }), 'MISSED');
  });

  it('is a table of the measurements with medians, ranges and the ratios of the pairs', () => {
    const lines = tableOf([{ ...measurement, slug: 'accepting' }, measurement]).split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[2] ?? '', /^\| accepting /);
    assert.match(
      lines[3] ?? '',
      /^\| default-settling +\| orders +\| 20 1\/s \(10 to 30\) \| 2 1\/s \(2 to 2\) \| 10 +\| 5 to 15 \| 10 or more \| met/,
    );
  });

  it('is written as JSON, as Markdown with the invalid scenarios, and as charts', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bench-'));
    const chart = {
      file: 'a.svg',
      title: 'A & B',
      xLabel: 's',
      yLabel: 'n',
      series: [{ name: 'x', points: [{ x: 1, y: 2 }] }],
    };
    const invalid = [{ scenario: 'burst', reason: 'an order was lost' }];
    const plan = { pairs: 1 } as Plan;
    try {
      writeResults(directory, {
        measurements: [{ ...measurement, charts: [chart] }],
        invalid,
        machine: { Node: 'v1' },
        plan,
      });
      const read = (file: string) => readFileSync(join(directory, file), 'utf8');
      const json = JSON.parse(read('results.json')) as { measurements: { result: string }[] };
      assert.equal(json.measurements[0]?.result, 'met');
      assert.match(read('report.md'), /- Node: v1\n/);
      assert.match(read('report.md'), /Invalid: burst\*\*: an order was lost/);
      assert.match(read('report.md'), /!\[A & B\]\(a\.svg\)/);
      assert.match(read('a.svg'), /<svg [^>]*>[\s\S]*A &amp; B[\s\S]*<polyline [\s\S]*<\/svg>/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
