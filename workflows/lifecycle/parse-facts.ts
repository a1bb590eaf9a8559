import { ApplicationFailure } from '@temporalio/common';
import type { OrderLifecycleInput, OrderOutcome } from '../contract/messages.js';

/**
 * Whatever enters a workflow from outside is checked here, at its edge: anybody who can reach Temporal can signal a
 * workflow, complete an activity by hand, or start a run. An error thrown from workflow code would fail its task again and
 * again, and hold up every order of a group.
 */

const maxOrders = 1000;
const maxIdLength = 128;
const maxCheckAfterMs = 86_400_000;

/** The outcomes that `value`, a signal's argument or an activity's result, carries; what makes no sense is counted. */
export function parseOutcomes(value: unknown): { readonly outcomes: OrderOutcome[]; readonly invalid: number } {
  const list = fieldOf(value, 'outcomes');
  if (!Array.isArray(list)) return { outcomes: [], invalid: 1 };
  const outcomes = list.filter(isOutcome);
  return { outcomes, invalid: list.length - outcomes.length };
}

/**
 * A workflow's input.
 * @throws ApplicationFailure that fails the run for good: it can carry no order, and a pending one gets another workflow
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
