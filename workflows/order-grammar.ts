import { z } from 'zod';

/**
 * The syntax of an order's ids, texts and numbers. HTTP and RabbitMQ share one grammar: if the order API accepted a
 * value that the processor rejects, the order would be accepted and then never make progress.
 */
export const maxItems = 100;
export const maxQuantity = 1_000_000;
const maxSkuLength = 128;
const maxReasonLength = 1000;
const maxAmountDecimals = 4;
/** The largest Postgres integer. */
const maxVersion = 2 ** 31 - 1;

/** Ids of orders and customers. "." and ".." are not ids: in a URL path, every client treats them as directories. */
export const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/;

export const idSchema = z
  .string('must be a string')
  .regex(idPattern, 'must be 1 to 128 characters out of A-Z, a-z, 0-9, ".", "_", ":", "-", and not "." or ".."');

/**
 * Characters that are invisible: spaces of all kinds, code points that Unicode ignores by default (Hangul fillers,
 * variation selectors), and symbols that are drawn as nothing, such as the empty braille cell.
 */
const blank = String.raw`\s\p{Z}\p{Default_Ignorable_Code_Point}\u{16fe4}\u2800\u{13441}\u{13442}\u{1d159}`;
const hasVisible = new RegExp(`[^${blank}]`, 'u');

/**
 * Letters, digits, punctuation, symbols and spaces, but no control or format characters, line breaks, surrogates, or
 * unassigned or private-use code points. Among the format characters, the two joiners are allowed between visible
 * characters: Persian and Indic words and many emoji need them.
 */
const printable = String.raw`[^\p{C}\p{Zl}\p{Zp}]`;
const joiner = String.raw`(?<=[^\p{C}${blank}]|\p{Variation_Selector})[\u200c\u200d](?=[^\p{C}${blank}])`;
const onlyPrintable = new RegExp(`^(?:${printable}|${joiner})+$`, 'u');

function printableText(maxLength: number) {
  const message = `must be 1 to ${maxLength} printable characters`;
  return z
    .string('must be a string')
    .refine((text) => isWithin(text, maxLength) && onlyPrintable.test(text), { error: message, abort: true })
    .refine((text) => hasVisible.test(text), 'must not be blank');
}

/** Counts characters, not UTF-16 code units. A very long text is rejected without counting all of them. */
function isWithin(text: string, maxLength: number): boolean {
  return text.length <= maxLength || (text.length <= 2 * maxLength && Array.from(text).length <= maxLength);
}

export const skuSchema = printableText(maxSkuLength);
export const reasonSchema = printableText(maxReasonLength);

export const quantitySchema = z.number().int().min(1).max(maxQuantity);
export const versionSchema = z.number().int().min(1).max(maxVersion);

/** A price or a total, as a JSON number with at most 4 decimals. */
export const amountSchema = z
  .number()
  .nonnegative()
  .refine((amount) => decimalsOf(amount) <= maxAmountDecimals, `must have at most ${maxAmountDecimals} decimals`);

/** Returns the number of decimals in the shortest notation of a number, which JSON uses; it may be like 1e-7. */
function decimalsOf(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  const fraction = digits.split('.')[1] ?? '';
  return Math.max(0, fraction.length - Number(exponent));
}
