import { Decimal } from 'decimal.js';

/**
 * Exact decimal amounts. The precision exceeds what a sum of 100 products of two JSON numbers can need (the largest
 * JSON number is about 1.8e308, and a price has 4 decimals), so nothing is ever rounded.
 */
const Exact = Decimal.clone({ precision: 400, rounding: Decimal.ROUND_HALF_EVEN });

export type Amount = Decimal;

const priceDecimals = 4;

const notation = /^(-?\d{1,400}(?:\.\d{1,400})?)(?:[eE]([+-]?\d+))?$/;
/** No price or total has an exponent beyond this, however many digits precede it. */
const maxExponent = 9999;

/**
 * Parses an amount in decimal notation, e.g. `0.1`, `1200.00` or JSON's `1.2e3`; returns undefined when the text is not
 * one. Nothing is rounded, however many digits there are; in particular, a number too small to be a price does not
 * become 0. An exponent beyond 9,999 in either direction counts as 9,999: unless its digits are 0, the amount is
 * impossible as a price either way.
 */
export function parseAmount(text: string): Amount | undefined {
  const [, digits, exponent = '0'] = notation.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const amount = new Exact(`${digits}e${Math.max(-maxExponent, Math.min(maxExponent, Number(exponent)))}`);
  return amount.isZero() ? new Exact(0) : amount; // money has no negative zero
}

/** Returns why `amount` cannot be a price, or undefined when it can. */
export function problemWithPrice(amount: Amount): string | undefined {
  if (amount.isNegative()) return 'must be 0 or more';
  if (amount.decimalPlaces() > priceDecimals) return `must have at most ${priceDecimals} decimals`;
  return problemWithJsonNumber(amount);
}

/** Returns why no JSON number represents `amount` exactly, or undefined when one does. */
export function problemWithJsonNumber(amount: Amount): string | undefined {
  const nearest = amount.toNumber();
  if (Number.isFinite(nearest) && new Exact(nearest).equals(amount)) return undefined;
  return 'has more digits than a JSON number can represent exactly (about 15)';
}

/** Returns the exact sum of `price x quantity` over all items. */
export function totalOf(items: readonly { readonly price: Amount; readonly quantity: number }[]): Amount {
  return items.reduce((total, item) => total.plus(item.price.times(item.quantity)), new Exact(0));
}
