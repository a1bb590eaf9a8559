/** Temporal cannot be reached for now. Nothing is lost: the database records what Temporal has to be told. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/**
 * The gRPC statuses that concern the server, the network or the login, and not the request. `internal` and `unknown`
 * are not among them: a start on which the server fails each time would be retried indefinitely and hold up others.
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
 * Returns true if `error` or one of its causes means that Temporal is unavailable, overloaded or refuses the login: the
 * same call can succeed later, unchanged.
 */
export function isTemporalOutage(error: unknown): boolean {
  return causesOf(error).some(
    (cause) => cause instanceof TemporalUnavailable || outageCodes.has((cause as Error & { code?: number }).code ?? -1),
  );
}

/** Returns true if the namespace lacks a search attribute that a start or an upsert names. */
export function isUnknownSearchAttribute(error: unknown): boolean {
  return causesOf(error).some((cause) =>
    /search attribute \S+ is not defined|no mapping defined for search attribute/i.test(cause.message),
  );
}
