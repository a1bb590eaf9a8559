const maxDepth = 50;

/** What Postgres takes into no text and no jsonb: NUL, and halves of surrogate pairs. */
const unstorable = /[\0\p{Cs}]/gu;

/** Text from a message as Postgres can keep it: what it would refuse is spelled out, as `\u0000`. */
export function storableText(text: string): string {
  return text.replaceAll(unstorable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Any value from a message as jsonb can keep it, whatever its sender put there: texts and keys as `storableText` has them,
 * bytes as base64, numbers that JSON does not have as text, and nothing below 50 levels, which nobody nests by accident.
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
