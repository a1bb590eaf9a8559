/** What the processor decides about an order. A failed decision always carries a reason. */
export type Decision = { readonly status: 'done' } | { readonly status: 'failed'; readonly reason: string };

/** Stand-ins for the failures of real processing; each failed order gets one of them. */
const reasons = ['payment declined', 'out of stock', 'delivery address not served'] as const;

/**
 * Decides an order: done with a probability of `successRate` (0 to 1), otherwise failed.
 *
 * Each order has one stored outcome, but this function may be called more than once for it: when the transaction that
 * stores its result is rolled back, or when two deliveries of an event are handled concurrently. An implementation with
 * a side effect, such as charging a card, must pass the order id as the idempotency key of that effect.
 * @param random returns numbers from 0 up to but not including 1, e.g. Math.random
 */
export function decide(successRate: number, random: () => number): Decision {
  if (random() < successRate) return { status: 'done' };
  return { status: 'failed', reason: reasons[Math.floor(random() * reasons.length)] ?? reasons[0] };
}
