/** Temporal cannot be reached for now. Nothing is lost by it: the database remembers what is to be told. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

/** gRPC statuses that mean the server could not be asked or did not answer in time. */
const outageCodes = new Set([
  1 /* cancelled */, 4 /* deadline exceeded */, 8 /* resource exhausted */, 14 /* unavailable */,
]);

function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < 10; current = current.cause) chain.push(current);
  return chain;
}

/** True when `error` says that Temporal is away or overloaded: the same call can succeed later, unchanged. */
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
