import assert from 'node:assert/strict';
import { faultResults, type FaultLine } from './fault-results.js';

describe('the page of fault results', () => {
  const line: FaultLine = {
    ...{ what: 'RabbitMQ killed', file: 'servers.faults.test.ts', seed: 7, orders: 1040, pendingMax: 3 },
    ...{ recoverySeconds: 2.06, slowestResponseSeconds: 0.31, repeats: 1, broken: [] },
  };
  const facts = { date: '2026-11-26', commit: 'abc1234', minutes: 61, machine: '2 cores' };

  it('has a row for each fault below the file of its test', () => {
    const other = { ...line, what: 'a signal lost', file: 'lost-signals.faults.test.ts', broken: ['I5', 'I7'] };
    const page = faultResults([line, other], facts);
    assert.match(
      page,
      new RegExp(
        String.raw`## Signals are lost\n\n\[lost-signals.faults.test.ts\][^#]*\n` +
          String.raw`\| a signal lost \| 1,040 \| 3 \| 2.1 s \| 0.3 s \| 1 \| violated: I5, I7 \|\n\n## A server fails\n[^#]*\n` +
          String.raw`\| RabbitMQ killed \| 1,040 \| 3 \| 2.1 s \| 0.3 s \| 1 \| every invariant holds \|\n$`,
      ),
    );
    assert.match(page, /An invariant was violated in 1 of the rows/);
  });

  it('says which run it is, and which fault took the longest', () => {
    const page = faultResults([line, { ...line, what: 'Temporal killed', recoverySeconds: 9 }], facts);
    assert.match(page, /on 2026-11-26, of the commit `abc1234`: 2 faults, 2,080 orders, 61 minutes, on\n2 cores/);
    assert.match(page, /seed is 7\. Every invariant held in every row\. .* took 9\.0 s \(Temporal killed\)/);
  });

  it('includes a file of tests that has no heading of its own', () => {
    assert.match(faultResults([{ ...line, file: 'new.faults.test.ts' }], facts), /## new\.faults\.test\.ts\n/);
  });
});
