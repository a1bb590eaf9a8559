/** This is well above the 404 values of an order of 100 items. */
const maxValues = 1000;
const maxDepth = 8;
const maxNumberLength = 100;

const [quote, backslash, comma] = ['"', '\\', ','].map(codeOf) as [number, number, number];
const opening = new Set(['{', '['].map(codeOf));
const closing = new Set(['}', ']'].map(codeOf));
const numberCodes = new Set('0123456789+-.eE'.split('').map(codeOf));

/**
 * Returns the limit that a JSON text exceeds, or undefined. The limits are 1,000 values, a depth of 8, and 100
 * characters for a number. It looks at each character once and allocates nothing, so that a text that is expensive to
 * parse can be refused before it is parsed. A text that is not JSON may pass; the parser refuses it.
 */
export function exceededJsonLimit(text: string): 'values' | 'depth' | 'number length' | undefined {
  // A container with n members has n - 1 commas, so this counts every value once, and an empty container twice.
  let values = 1;
  let depth = 0;
  let numberLength = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    numberLength = numberCodes.has(code) ? numberLength + 1 : 0;
    if (numberLength > maxNumberLength) return 'number length';
    if (code === quote) {
      at = endOfString(text, at);
    } else if (opening.has(code)) {
      values += 1;
      depth += 1;
      if (depth > maxDepth) return 'depth';
    } else if (closing.has(code)) {
      depth -= 1;
    } else if (code === comma) {
      values += 1;
    }
    if (values > maxValues) return 'values';
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}

function codeOf(character: string): number {
  return character.charCodeAt(0);
}
