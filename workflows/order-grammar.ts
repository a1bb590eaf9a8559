import { z } from 'zod';

/**
 * What an order's ids, texts and numbers look like. One grammar for whoever takes them in, over HTTP or from RabbitMQ: what
 * one side accepts and the other refuses would be an order that is accepted and then stands still.
 */
export const maxItems = 100;
export const maxQuantity = 1_000_000;
const maxSkuLength = 128;
const maxReasonLength = 1000;
const maxAmountDecimals = 4;
/** Postgres' integer ends there. */
const maxVersion = 2 ** 31 - 1;

/** Ids of orders and customers. "." and ".." are no ids: in the path of a URL every client takes them for directories. */
export const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/;

export const idSchema = z
  .string('must be a string')
  .regex(idPattern, 'must be 1 to 128 characters out of A-Z, a-z, 0-9, ".", "_", ":", "-", and not "." or ".."');

/**
 * What shows nothing: spaces of all kinds, what Unicode wants ignored (Hangul fillers, variation selectors), and signs that
 * are drawn as nothing, such as the empty braille cell.
 */
const blank = String.raw`\s\p{Z}\p{Default_Ignorable_Code_Point}\u{16fe4}\u2800\u{13441}\u{13442}\u{1d159}`;
const hasVisible = new RegExp(`[^${blank}]`, 'u');

/**
 * Letters, digits, punctuation, symbols and spaces; no control or format characters, line breaks, surrogates, or code points
 * that mean nothing. Of the format characters the two joiners may stand between visible characters: Persian and Indic
 * words and many emoji are written with them.
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

/** Counts characters, not UTF-16 units, and of a very long text not all. */
function isWithin(text: string, maxLength: number): boolean {
  return text.length <= maxLength || (text.length <= 2 * maxLength && Array.from(text).length <= maxLength);
}

export const skuSchema = printableText(maxSkuLength);
export const reasonSchema = printableText(maxReasonLength);

export const quantitySchema = z.number().int().min(1).max(maxQuantity);
export const versionSchema = z.number().int().min(1).max(maxVersion);

/** A price or a total, as a JSON number that was written with at most 4 decimals. */
export const amountSchema = z
  .number()
  .nonnegative()
  .refine((amount) => decimalsOf(amount) <= maxAmountDecimals, `must have at most ${maxAmountDecimals} decimals`);

/** How many decimals the shortest notation of a number has, which is how JSON writes it, also as 1e-7. */
function decimalsOf(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  const fraction = digits.split('.')[1] ?? '';
  return Math.max(0, fraction.length - Number(exponent));
}
