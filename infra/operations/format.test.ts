import assert from 'node:assert/strict';
import { durationInWords, localTime } from './format.js';

describe('a printed time', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  for (const [tz, text] of [
    ['UTC', '2026-01-31 23:59:58 UTC'],
    ['Europe/Berlin', '2026-02-01 00:59:58 CET'],
    ['America/New_York', '2026-01-31 18:59:58 GMT−5'],
  ] as const) {
    it(`is in the reader's time zone and names the zone: ${tz}`, () => {
      process.env['TZ'] = tz;
      assert.equal(localTime('2026-01-31T23:59:58.123Z'), text);
      assert.equal(localTime(new Date('2026-01-31T23:59:58Z')), text);
    });
  }

  it('is the original text, truncated, when a message carries something else', () => {
    assert.equal(localTime('(unknown)'), '(unknown)');
    assert.equal(localTime('x'.repeat(50)), `${'x'.repeat(40)}… (10 more characters)`);
  });

  for (const [ms, text] of [
    [0, 'less than a second'],
    [999, 'less than a second'],
    [1000, '1 second'],
    [61_400, '1 minute 1 second'],
    [3_600_000 + 125_000, '1 hour 2 minutes'],
    [3 * 86_400_000 + 3_600_000, '3 days 1 hour'],
  ] as const) {
    it(`expresses a duration of ${ms} ms as "${text}"`, () => assert.equal(durationInWords(ms), text));
  }
});
