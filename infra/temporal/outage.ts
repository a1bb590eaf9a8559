/** Temporal cannot be reached for now. Nothing is lost by it: the database remembers what is to be told. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/**
 * gRPC statuses that speak of the server, of the way to it or of our login, and not of what was asked. `internal` and
 * `unknown` are not among them: a start that the server breaks on would be tried indefinitely and keep others waiting.
 */
const outageCodes = new Set([
  ...[1 /* cancelled */, 4 /* deadline exceeded */, 7 /* permission denied */, 8 /* resource exhausted */],
  ...[10 /* aborted */, 14 /* unavailable */, 16 /* unauthenticated */],
]);

function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < 10; current = current.cause) chain.push(current);
  return chain;
}

/**
 * True when `error` says that Temporal is unavailable, overloaded or refuses our login: the same call can succeed later,
 * unchanged.
 */
export function isTemporalOutage(error: unknown): boolean {
  return causesOf(error).some(
    (cause) => cause instanceof TemporalUnavailable || outageCodes.has((cause as Error & { code?: number }).code ?? -1),
  );
}

/** True when the namespace does not know a search attribute that a start or an upsert names. */
export function isUnknownSearchAttribute(error: unknown): boolean {
  return causesOf(error).some((cause) =>
    /search attribute \S+ is not defined|no mapping defined for search attribute/i.test(cause.message),
  );
}
