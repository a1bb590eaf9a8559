import assert from 'node:assert/strict';
import fc from 'fast-check';
import { continueTrace, traceIdOf } from './trace-context.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const wellFormed = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

describe('a trace context', () => {
  it('is continued with the same trace id and flags and a new span id', () => {
    for (const flags of ['00', '01']) {
      const next = continueTrace(`00-${traceId}-${parentId}-${flags}`);
      assert.match(next, wellFormed);
      const [, trace, span, kept] = next.split('-');
      assert.deepEqual([trace, kept], [traceId, flags]);
      assert.notEqual(span, parentId);
    }
  });

  it('is continued from a later version, whatever fields it adds, with the only known flag', () => {
    for (const [incoming, flags] of [
      [`cc-${traceId}-${parentId}-01`, '01'],
      [`01-${traceId}-${parentId}-03-more`, '01'],
      [`fe-${traceId}-${parentId}-fe-`, '00'],
      [`00-${traceId}-${parentId}-ff`, '01'],
    ] as const) {
      assert.match(continueTrace(incoming), new RegExp(`^00-${traceId}-[0-9a-f]{16}-${flags}$`));
    }
  });

  it('is created with the sampled flag when none comes in', () => {
    const first = continueTrace(undefined);
    assert.match(first, wellFormed);
    assert.ok(first.endsWith('-01'));
    assert.notEqual(traceIdOf(first), traceIdOf(continueTrace(undefined)));
  });

  const broken = [
    '',
    'x',
    `00-${traceId}-${parentId}`,
    `00-${traceId}-${parentId}-01-more`,
    `ff-${traceId}-${parentId}-01`,
    `01-${traceId}-${parentId}-01more`,
    ` 00-${traceId}-${parentId}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${parentId}-01, 00-${traceId}-${parentId}-01`,
  ];
  for (const incoming of broken) {
    it(`is replaced with a new one when ${JSON.stringify(incoming)} comes in`, () => {
      const next = continueTrace(incoming);
      assert.match(next, wellFormed);
      assert.notEqual(traceIdOf(next), traceId);
    });
  }

  it('is well formed whatever comes in', () => {
    fc.assert(fc.property(fc.string(), (incoming) => assert.match(continueTrace(incoming), wellFormed)));
  });

  it('has a trace id only when it is well formed', () => {
    assert.equal(traceIdOf(`00-${traceId}-${parentId}-01`), traceId);
    assert.equal(traceIdOf(undefined), undefined);
    for (const incoming of broken) assert.equal(traceIdOf(incoming), undefined, incoming);
  });
});
