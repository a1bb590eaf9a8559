/** What the processor decides of an order. A failed order always carries its reason. */
export type Decision = { readonly status: 'done' } | { readonly status: 'failed'; readonly reason: string };

/** Stands for what real processing can trip over; one of them is given to each order that fails. */
const reasons = ['payment declined', 'out of stock', 'delivery address not served'] as const;

/**
 * Decides an order's fate: done with a chance of `successRate` (0 to 1), else failed.
 *
 * The stored decision is made once. This function may be called more than once for an order: when the transaction that
 * stores its result is rolled back, or when the same event comes twice at once. Whoever replaces it by something with an
 * effect of its own, such as charging a card, gives that effect the order id as its idempotency key.
 * @param random numbers from 0 up to but not including 1, e.g. Math.random
 */
export function decide(successRate: number, random: () => number): Decision {
  if (random() < successRate) return { status: 'done' };
  return { status: 'failed', reason: reasons[Math.floor(random() * reasons.length)] ?? reasons[0] };
}
