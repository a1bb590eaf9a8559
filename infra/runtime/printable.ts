/**
 * Control characters (ESC, BEL, CR, LF, C1), format characters (bidirectional overrides, zero-width ones), the two
 * separators that break a line, and halves of surrogate pairs. Matched by Unicode's own categories, so that no list of
 * ours has a gap.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const maxLength = 65_536;

/**
 * Text from outside as one line that a terminal shows and never obeys: what it could act on, or what would make two
 * different texts look alike, is written as `\xNN` or `\u{N…}`. All other text stays as it is. Text that is longer than
 * `max` is cut as `clip` does.
 */
export function printable(text: string, max = maxLength): string {
  return clip(text, max).replaceAll(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

/** Text of at most `max` characters; what is longer is cut, and says by how much. */
export function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}… (${text.length - max} more characters)` : text;
}

/**
 * A value as indented JSON that a terminal shows and never obeys: characters that JSON leaves as they are and a terminal
 * could act on are written as `\uNNNN`, so that the text is the same JSON value.
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
