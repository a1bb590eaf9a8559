import { ApplicationFailure } from '@temporalio/common';
import type { OrderLifecycleInput, OrderOutcome } from '../contract/messages.js';

/**
 * Validates everything that enters a workflow from outside: any client with access to Temporal can signal a workflow,
 * complete an activity by hand, or start a run. An error that is thrown from workflow code would fail its task
 * repeatedly and hold up every order of a group.
 */

const maxOrders = 1000;
const maxIdLength = 128;
const maxCheckAfterMs = 86_400_000;

/** Returns the outcomes in `value`, a signal argument or an activity result, and the number of invalid ones. */
export function parseOutcomes(value: unknown): { readonly outcomes: OrderOutcome[]; readonly invalid: number } {
  const list = fieldOf(value, 'outcomes');
  if (!Array.isArray(list)) return { outcomes: [], invalid: 1 };
  const outcomes = list.filter(isOutcome);
  return { outcomes, invalid: list.length - outcomes.length };
}

/**
 * Validates the input of a workflow and removes duplicate order ids.
 * @throws ApplicationFailure that is non-retryable: the run fails, and the reconciler starts another workflow for those
 * orders that are still pending
 */
export function parseInput(value: unknown): OrderLifecycleInput {
  const orderIds = fieldOf(value, 'orderIds');
  const checkAfterMs = fieldOf(value, 'checkAfterMs');
  const areIds = Array.isArray(orderIds) && orderIds.length > 0 && orderIds.length <= maxOrders && orderIds.every(isId);
  if (!areIds || !isWithin(checkAfterMs, 1, maxCheckAfterMs)) {
    throw ApplicationFailure.nonRetryable(
      `the input must be {"orderIds": [1 to ${maxOrders} ids], "checkAfterMs": 1 to ${maxCheckAfterMs}}`,
      'InvalidInput',
    );
  }
  const known = fieldOf(value, 'known');
  return {
    orderIds: [...new Set<string>(orderIds)],
    checkAfterMs,
    ...(known !== undefined && {
      known: {
        outcomes: parseOutcomes(known).outcomes,
        settled: parseOutcomes({ outcomes: fieldOf(known, 'settled') }).outcomes,
      },
    }),
  };
}

function isOutcome(value: unknown): value is OrderOutcome {
  const status = fieldOf(value, 'status');
  return (
    isId(fieldOf(value, 'orderId')) &&
    (status === 'done' || status === 'failed') &&
    isWithin(fieldOf(value, 'version'), 1, Number.MAX_SAFE_INTEGER)
  );
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxIdLength;
}

function isWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
