import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decide } from './decision.js';

describe('a decision', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('is always done at a success rate of 1', () => {
    fc.assert(
      fc.property(chance, (random) =>
        assert.deepEqual(
          decide(1, () => random),
          { status: 'done' },
        ),
      ),
    );
  });

  it('is never done at a success rate of 0', () => {
    fc.assert(fc.property(chance, (random) => assert.equal(decide(0, () => random).status, 'failed')));
  });

  it('is done when the random number is below the success rate, and failed otherwise', () => {
    assert.equal(decide(0.8, () => 0.7999).status, 'done');
    assert.equal(decide(0.8, () => 0.8).status, 'failed');
    fc.assert(
      fc.property(chance, chance, (rate, random) => {
        assert.equal(decide(rate, () => random).status, random < rate ? 'done' : 'failed');
      }),
    );
  });

  it('carries a reason whenever it is failed', () => {
    fc.assert(
      fc.property(chance, (random) => {
        const decision = decide(0, () => random);
        assert.ok(decision.status === 'failed' && decision.reason.length > 0);
      }),
    );
  });

  it('carries one of several reasons, chosen by a second random number, when it is failed', () => {
    const reasons = [0, 0.5, 0.9999].map((second) => {
      const chances = [0.9, second];
      const decision = decide(0.5, () => chances.shift() ?? 0);
      return decision.status === 'failed' ? decision.reason : undefined;
    });
    assert.equal(new Set(reasons).size, 3);
  });
});
