import type { Middleware } from 'koa';
import { withDeadline } from '../runtime/deadline.js';
import type { RequestState } from './http-app.js';
import { Problem } from './problem.js';

/** Below the 3 s in which a caller is promised an answer, whatever is away. */
const answerTimeoutMs = 2800;

/**
 * For routes that need a database: answers 503 when what follows takes too long. It stands behind the reading of the
 * body, since a slow caller is not our outage. What was under way may still take effect: requests are repeatable.
 */
export const limitDuration: Middleware<RequestState> = (_ctx, next) =>
  withDeadline('the request', answerTimeoutMs, next());

/**
 * Answers 503 at once to more requests than that under way: they would wait behind the others for longer than anybody
 * waits for an answer, and take up memory meanwhile. It stands behind the reception of the body, so that slow senders
 * take no places, and before everything that costs something, parsing first of all.
 */
export function limitConcurrency(maxRequests: number): Middleware<RequestState> {
  let underWay = 0;
  return async (_ctx, next) => {
    if (underWay >= maxRequests) {
      throw new Problem(
        503,
        'the service has more requests than it can answer in time; repeat this one later, unchanged',
        { headers: { 'Retry-After': '1' } },
      );
    }
    underWay += 1;
    try {
      await next();
    } finally {
      underWay -= 1;
    }
  };
}
