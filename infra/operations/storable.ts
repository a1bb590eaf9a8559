const maxDepth = 50;

/** Postgres accepts neither NUL nor unpaired surrogates in text and jsonb. */
const unstorable = /[\0\p{Cs}]/gu;

/** Converts text from a message into text that Postgres accepts: what it would refuse is escaped, as in `\u0000`. */
export function storableText(text: string): string {
  return text.replaceAll(unstorable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Converts any value from a message into one that jsonb accepts: texts and keys as `storableText` returns them, bytes
 * as base64, and numbers that JSON does not have as text. Anything nested deeper than 50 levels is left out; no sender
 * nests that deep by accident.
 */
export function storable(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') };
  if (depth >= maxDepth) return '(nested too deeply to be kept)';
  if (Array.isArray(value)) return value.map((each) => storable(each, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [storableText(key), storable(each, depth + 1)]));
}
