const maxTextLength = 1000;

/** Cuts untrusted text to `maxLength` characters, short enough for a log line, a header or a row. */
export function boundedText(text: string, maxLength = maxTextLength): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}
