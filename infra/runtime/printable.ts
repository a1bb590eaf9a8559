/**
 * Matches control characters (ESC, BEL, CR, LF, C1), format characters (bidirectional overrides, zero-width ones), the
 * two separators that break a line, and halves of surrogate pairs. It uses Unicode categories, since a list could have
 * gaps.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const maxLength = 65_536;

/**
 * Returns untrusted text as one line that a terminal only displays. Characters that a terminal acts on, or that make
 * two different texts look alike, are written as `\xNN` or `\u{N…}`. All other text is unchanged. Text longer than
 * `max` characters is cut as by `clip`.
 */
export function printable(text: string, max = maxLength): string {
  return clip(text, max).replaceAll(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

/** Cuts text to `max` characters and appends the number of characters that it omits. */
export function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}… (${text.length - max} more characters)` : text;
}

/**
 * Returns a value as indented JSON that a terminal only displays. Characters that JSON does not escape but a terminal
 * acts on are written as `\uNNNN`, so that the text remains the same JSON value.
 */
export function printableJson(value: unknown): string {
  const escape = (character: string): string =>
    Array.from({ length: character.length }, (_, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }).join('');
  return JSON.stringify(value, undefined, 2)
    .split('\n')
    .map((line) => line.replaceAll(unprintable, escape))
    .join('\n');
}
