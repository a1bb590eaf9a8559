const maxTextLength = 1000;

/** The beginning of a text that others may have written, short enough for a log line, a header or a row. */
export function boundedText(text: string, maxLength = maxTextLength): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}
