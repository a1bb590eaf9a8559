import prettyMs from 'pretty-ms';
import { clip } from '../runtime/printable.js';

const secondMs = 1000;
/** Longer text is not a time. */
const maxTimeLength = 40;
const twoDigits = '2-digit';
/** These options are for the Swedish locale, which writes dates in ISO 8601 order. */
const format: Intl.DateTimeFormatOptions = {
  ...{ year: 'numeric', month: twoDigits, day: twoDigits },
  ...{ hour: twoDigits, minute: twoDigits, second: twoDigits, timeZoneName: 'short' },
};

/**
 * Formats a time in the reader's time zone, with the zone's name: `2026-11-26 18:01:02 CET`. A message may carry text
 * that is not a time; that text is returned as it is, truncated after 40 characters.
 */
export function localTime(at: string | Date): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return clip(String(at), maxTimeLength);
  return date.toLocaleString('sv-SE', format);
}

/** Formats a duration in words, with its two largest units: `3 minutes 4 seconds`. */
export function durationInWords(ms: number): string {
  if (ms < secondMs) return 'less than a second';
  return prettyMs(ms, { verbose: true, unitCount: 2, secondsDecimalDigits: 0 });
}
