import type { Middleware } from 'koa';
import { withDeadline } from '../runtime/deadline.js';
import type { RequestState } from './http-app.js';
import { Problem } from './problem.js';

/** This is below the 3 s within which a caller is promised an answer, whatever is unavailable. */
const answerTimeoutMs = 2800;

/**
 * Answers 503 when the middleware after it takes longer than 2.8 s, for routes that need a database. Place it after the
 * reception of the body, since a slow caller is not an outage of the service. The work in progress may still take
 * effect, so requests must be repeatable.
 */
export const limitDuration: Middleware<RequestState> = (_ctx, next) =>
  withDeadline('the request', answerTimeoutMs, next());

/**
 * Answers 503 at once to a request while `maxRequests` others are in progress: it would wait behind them for longer
 * than a caller waits for an answer, and take up memory meanwhile. Place it after the reception of the body, so that
 * slow senders do not count, and before everything that is expensive, such as parsing.
 */
export function limitConcurrency(maxRequests: number): Middleware<RequestState> {
  let inProgress = 0;
  return async (_ctx, next) => {
    if (inProgress >= maxRequests) {
      throw new Problem(
        503,
        'the service has more requests than it can answer in time; repeat the request later, unchanged',
        { headers: { 'Retry-After': '1' } },
      );
    }
    inProgress += 1;
    try {
      await next();
    } finally {
      inProgress -= 1;
    }
  };
}
