import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { parseInput, parseOutcomes } from './parse-facts.js';

const outcome = { orderId: 'a', status: 'done', version: 2 };

describe('what enters a workflow from outside', () => {
  for (const value of [undefined, null, 7, 'text', [], {}, { outcomes: null }, { outcomes: 'a' }, [outcome]]) {
    it(`is counted as invalid when it has no list of outcomes: ${JSON.stringify(value)}`, () => {
      assert.deepEqual(parseOutcomes(value), { outcomes: [], invalid: 1 });
    });
  }

  const invalidOutcomes = {
    null: null,
    'no order id': { ...outcome, orderId: undefined },
    'an empty order id': { ...outcome, orderId: '' },
    'an order id that is too long': { ...outcome, orderId: 'x'.repeat(129) },
    'a status that does not exist': { ...outcome, status: 'pending' },
    'a version that is a text': { ...outcome, version: '2' },
    'a version below 1': { ...outcome, version: 0 },
    'a version with a fraction': { ...outcome, version: 1.5 },
    'a version that no integer can be': { ...outcome, version: 2 ** 53 },
  };
  for (const [what, invalid] of Object.entries(invalidOutcomes)) {
    it(`keeps the valid outcomes beside one with ${what}`, () => {
      assert.deepEqual(parseOutcomes({ outcomes: [outcome, invalid, outcome] }), {
        outcomes: [outcome, outcome],
        invalid: 1,
      });
    });
  }

  it('is accepted as input with each order once', () => {
    assert.deepEqual(parseInput({ orderIds: ['a', 'b', 'a'], checkAfterMs: 1000, more: 1 }), {
      orderIds: ['a', 'b'],
      checkAfterMs: 1000,
    });
  });

  it('is accepted as input with the valid facts of the run that it continues', () => {
    const known = { outcomes: [outcome, null], settled: [outcome, 7] };
    assert.deepEqual(parseInput({ orderIds: ['a'], checkAfterMs: 1, known }).known, {
      outcomes: [outcome],
      settled: [outcome],
    });
  });

  const invalidInputs = {
    nothing: undefined,
    'no orders': { orderIds: [], checkAfterMs: 1000 },
    'too many orders': { orderIds: Array.from({ length: 1001 }, (_, index) => `o-${index}`), checkAfterMs: 1000 },
    'an id that is a number': { orderIds: [7], checkAfterMs: 1000 },
    'no delay': { orderIds: ['a'] },
    'a delay of 0': { orderIds: ['a'], checkAfterMs: 0 },
    'a delay of more than a day': { orderIds: ['a'], checkAfterMs: 86_400_001 },
  };
  for (const [what, input] of Object.entries(invalidInputs)) {
    it(`fails the run for good when its input has ${what}`, () => {
      assert.throws(
        () => parseInput(input),
        (error) => error instanceof ApplicationFailure && error.nonRetryable === true && error.type === 'InvalidInput',
      );
    });
  }
});
