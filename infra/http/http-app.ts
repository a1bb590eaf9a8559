import type Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import helmet from 'koa-helmet';
import { isPostgresOutage } from '../postgres/outage.js';
import { DeadlineExceeded, withDeadline } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { continueTrace, traceIdOf } from '../runtime/trace-context.js';
import { Problem } from './problem.js';

/** What every request knows of itself. */
export interface RequestState {
  /** W3C `traceparent` of this hop, to be handed on to whatever the request sets off. */
  traceparent: string;
  logger: Logger;
}

/** Below the 3 s in which a caller is promised an answer, whatever is away. */
const answerTimeoutMs = 2800;
const retryAfterSeconds = '2';

/**
 * A Koa application in reading order: security headers, trace and log, errors to problem details, then the routes.
 * Nothing in it trusts a proxy's headers.
 */
export function createHttpApp(router: Router<RequestState>, logger: Logger): Koa<RequestState> {
  const app = new Koa<RequestState>();
  app.use(helmet());
  app.use(async (ctx, next) => {
    const startedAt = performance.now();
    const traceparent = continueTrace(ctx.get('traceparent') || undefined);
    ctx.state.traceparent = traceparent;
    ctx.state.logger = logger.child({ trace_id: traceIdOf(traceparent) });
    ctx.set('Cache-Control', 'no-store');
    await next();
    const ms = Math.round(performance.now() - startedAt);
    ctx.state.logger.debug({ method: ctx.method, path: ctx.path, status: ctx.status, ms }, 'request answered');
  });
  app.use(async (ctx, next) => {
    try {
      await next();
      if (ctx.body === undefined) refuseUnrouted(ctx);
    } catch (error) {
      answerWith(toProblem(error, ctx.state.logger), ctx);
    }
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  app.on('error', (error: Error) => logger.warn({ err: error }, 'a response could not be sent'));
  return app;
}

/**
 * For routes that need a database: answers 503 when what follows takes too long. It stands behind the reading of the
 * body, since a slow caller is not our outage. What was under way may still take effect: requests are repeatable.
 */
export const inTime: Middleware<RequestState> = (_ctx, next) => withDeadline('the request', answerTimeoutMs, next());

/**
 * Answers 503 at once to more requests than that under way: they would wait behind the others for longer than anybody
 * waits for an answer, and take up memory meanwhile.
 */
export function atMost(requests: number): Middleware<RequestState> {
  let underWay = 0;
  return async (_ctx, next) => {
    if (underWay >= requests) {
      throw new Problem(
        503,
        'the service has more requests than it can answer in time; repeat this one later, unchanged',
        {
          headers: { 'Retry-After': '1' },
        },
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

/** Turns the router's bare "no such path" and "not this method" into problems; the Allow header is already set. */
function refuseUnrouted(ctx: Koa.ParameterizedContext): void {
  if (ctx.status === 404) throw new Problem(404, `there is nothing at ${ctx.path}`);
  if (ctx.status === 405 || ctx.status === 501) {
    throw new Problem(405, `${ctx.path} does not take ${ctx.method}, see the Allow header`);
  }
}

function answerWith(problem: Problem, ctx: Koa.ParameterizedContext): void {
  ctx.status = problem.status;
  ctx.set(problem.headers);
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
}

/** Errors by what the caller should do next: mend the request, come back later, or report it. */
function toProblem(error: unknown, logger: Logger): Problem {
  if (error instanceof Problem) return error;
  if (isPostgresOutage(error) || error instanceof DeadlineExceeded) {
    logger.warn({ err: error }, 'a request could not be served for now');
    return new Problem(503, 'the service cannot reach its database for now; repeat the request later, unchanged', {
      headers: { 'Retry-After': retryAfterSeconds },
    });
  }
  const status = statusOf(error);
  if (status >= 400 && status < 500) return new Problem(status, (error as Error).message);
  logger.error({ err: error }, 'a request failed');
  return new Problem(500, 'something went wrong on our side; the log has it under the trace id of this request');
}

/** The status that Koa, the router or the body reader put on an error of theirs, else 500. */
function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' ? status : 500;
}
