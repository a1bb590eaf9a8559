import assert from 'node:assert/strict';
import { faultTable, type FaultLine } from './fault-table.js';

describe('the table of faults', () => {
  const line: FaultLine = {
    ...{ what: 'RabbitMQ killed', test: 'the system under load loses no order when RabbitMQ is killed' },
    ...{ orders: 40, underWay: 3, recoverySeconds: 2.06, slowestAnswerSeconds: 0.31, repeats: 1, broken: [] },
  };

  it('has a row for each fault, with the test that shows it', () => {
    const table = faultTable(`${JSON.stringify(line)}\n${JSON.stringify({ ...line, broken: ['I5', 'I7'] })}\n`);
    assert.deepEqual(table.split('\n'), [
      '| fault | orders | pending at most | at rest after | slowest response | repeats | result | test |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      '| RabbitMQ killed | 40 | 3 | 2.1 s | 0.3 s | 1 | every invariant holds | the system under load loses no order when RabbitMQ is killed |',
      '| RabbitMQ killed | 40 | 3 | 2.1 s | 0.3 s | 1 | violated: I5, I7 | the system under load loses no order when RabbitMQ is killed |',
      '',
    ]);
  });
});
