import { randomBytes } from 'node:crypto';

// Of version 00 exactly this; a later version may have more behind it, and none is called ff or has an id of zeros.
const pattern =
  /^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})-(?<traceId>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?<flags>[0-9a-f]{2})(?:-.*)?$/;

/**
 * The next hop's `traceparent` (W3C Trace Context, level 1): the trace of `incoming` with a span id of its own, or a
 * new trace when `incoming` is missing or malformed. Never throws: a caller's broken header must not cost an order.
 */
export function continueTrace(incoming: string | undefined): string {
  const { traceId = randomBytes(16).toString('hex'), flags = '01' } = pattern.exec(incoming ?? '')?.groups ?? {};
  // Whether it is recorded is the only flag of version 00.
  const recorded = Number.parseInt(flags, 16) & 1;
  return `00-${traceId}-${randomBytes(8).toString('hex')}-0${recorded}`;
}

/** The trace id of a `traceparent`, or undefined when it has none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return pattern.exec(traceparent ?? '')?.groups?.['traceId'];
}
