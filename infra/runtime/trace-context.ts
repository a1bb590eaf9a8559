import { randomBytes } from 'node:crypto';

const pattern = /^[0-9a-f]{2}-(?<traceId>[0-9a-f]{32})-(?<parentId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})$/;

/**
 * The next hop's `traceparent` (W3C Trace Context, level 1): the trace of `incoming` with a span id of its own, or a
 * new trace when `incoming` is missing or malformed. Never throws: a caller's broken header must not cost an order.
 */
export function continueTrace(incoming: string | undefined): string {
  const parts = pattern.exec(incoming ?? '')?.groups;
  const usable = parts && !/^0+$/.test(parts['traceId'] ?? '') && !/^0+$/.test(parts['parentId'] ?? '');
  const traceId = usable ? parts['traceId'] : randomBytes(16).toString('hex');
  const flags = usable ? parts['flags'] : '01';
  return `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}`;
}

/** The trace id of a `traceparent`, or undefined when it has none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return pattern.exec(traceparent ?? '')?.groups?.['traceId'];
}
