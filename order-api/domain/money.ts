import { Decimal } from 'decimal.js';

/**
 * Exact decimal amounts. The precision is above what any sum of 100 products of two JSON numbers can need (a JSON
 * number ends near 1.8e308, a price has 4 decimals), so nothing is ever rounded.
 */
const Exact = Decimal.clone({ precision: 400, rounding: Decimal.ROUND_HALF_EVEN });

export type Amount = Decimal;

const priceDecimals = 4;

const notation = /^(-?\d{1,400}(?:\.\d{1,400})?)(?:[eE]([+-]?\d+))?$/;
/** Beyond this no price or total can be, and no digits in front can bring it back. */
const maxExponent = 9999;

/**
 * An amount from its decimal notation, e.g. `0.1`, `1200.00` or JSON's `1.2e3`; undefined when it is not one.
 * Nothing is rounded, however many digits there are; above all a number below any price is not taken for 0. An exponent
 * beyond 9,999 counts as 9,999, either way: such an amount is as impossible a price, unless it is 0.
 */
export function parseAmount(text: string): Amount | undefined {
  const [, digits, exponent = '0'] = notation.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const amount = new Exact(`${digits}e${Math.max(-maxExponent, Math.min(maxExponent, Number(exponent)))}`);
  return amount.isZero() ? new Exact(0) : amount; // there is no minus zero in money
}

/** Why `amount` cannot be a price, or undefined when it can. */
export function faultOfPrice(amount: Amount): string | undefined {
  if (amount.isNegative()) return 'must be 0 or more';
  if (amount.decimalPlaces() > priceDecimals) return `must have at most ${priceDecimals} decimals`;
  return faultOfJsonNumber(amount);
}

/** Why `amount` cannot be answered as a JSON number that prints exactly it, or undefined when it can. */
export function faultOfJsonNumber(amount: Amount): string | undefined {
  const carried = amount.toNumber();
  if (Number.isFinite(carried) && new Exact(carried).equals(amount)) return undefined;
  return 'has more digits than a JSON number carries exactly (about 15)';
}

/** The exact sum of `price x quantity` over all items. */
export function totalOf(items: readonly { readonly price: Amount; readonly quantity: number }[]): Amount {
  return items.reduce((total, item) => total.plus(item.price.times(item.quantity)), new Exact(0));
}
