import { randomBytes } from 'node:crypto';

// Version 00 has exactly these fields, and a later version may append more. No version is ff, and no id is all zeros.
const pattern =
  /^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})-(?<traceId>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?<flags>[0-9a-f]{2})(?:-.*)?$/;

/**
 * Returns the `traceparent` for the next hop (W3C Trace Context, level 1): the trace of `incoming` with a new span id,
 * or a new trace if `incoming` is missing or malformed. It never throws: a malformed header must not
 * fail an order.
 */
export function continueTrace(incoming: string | undefined): string {
  const { traceId = randomBytes(16).toString('hex'), flags = '01' } = pattern.exec(incoming ?? '')?.groups ?? {};
  // Version 00 defines only the sampled flag.
  const sampled = Number.parseInt(flags, 16) & 1;
  return `00-${traceId}-${randomBytes(8).toString('hex')}-0${sampled}`;
}

/** Returns the trace id of a `traceparent`, or undefined if the header is missing or malformed. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return pattern.exec(traceparent ?? '')?.groups?.['traceId'];
}
