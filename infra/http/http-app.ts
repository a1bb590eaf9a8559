import Router from '@koa/router';
import Koa from 'koa';
import helmet from 'koa-helmet';
import { DeadlineExceeded } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { continueTrace, traceIdOf } from '../runtime/trace-context.js';
import { Problem, problemContentType } from './problem.js';
import { refuseProtocolErrors } from './protocol-rules.js';

/** What every request knows of itself. */
export interface RequestState {
  /** W3C `traceparent` of this hop, to be handed on to whatever the request sets off. */
  traceparent: string;
  logger: Logger;
  /** The body as it was received, where a route receives one. */
  text?: string;
  /** The body as it was parsed, where a route parses one. */
  body?: unknown;
}

const retryAfterSeconds = '2';
/** What a caller chose is logged up to this length. */
const maxLoggedLength = 200;

/**
 * A router whose paths are the written ones and no others: with the router's defaults `/METRICS` and `/metrics/` would
 * pass by a rule for `/metrics` in front of the service.
 */
export function createRouter(): Router<RequestState> {
  return new Router<RequestState>({ sensitive: true, strict: true });
}

/**
 * A Koa application in reading order: security headers, trace and log, errors to problem details, the rules of HTTP that
 * Node does not keep, then the routes. Nothing in it trusts a proxy's headers.
 * @param isOutage true for an error that says that something the service depends on is unavailable: it is answered with 503
 */
export function createHttpApp(
  router: Router<RequestState>,
  logger: Logger,
  isOutage: (error: unknown) => boolean = () => false,
): Koa<RequestState> {
  const app = new Koa<RequestState>();
  // Over plain HTTP that header is forbidden (RFC 6797 7.2). Whoever terminates TLS in front knows whether to send it.
  app.use(helmet({ strictTransportSecurity: false }));
  app.use(async (ctx, next) => {
    const startedAt = performance.now();
    const traceparent = continueTrace(ctx.get('traceparent') || undefined);
    ctx.state.traceparent = traceparent;
    ctx.state.logger = logger.child({ trace_id: traceIdOf(traceparent) });
    ctx.set('Cache-Control', 'no-store');
    await next();
    const ms = Math.round(performance.now() - startedAt);
    const path = ctx.path.slice(0, maxLoggedLength);
    ctx.state.logger.debug({ method: ctx.method, path, status: ctx.status, ms }, 'request answered');
  });
  app.use(async (ctx, next) => {
    try {
      refuseProtocolErrors(ctx.req);
      await next();
      if (ctx.body === undefined) refuseUnrouted(ctx);
    } catch (error) {
      answerWith(toProblem(error, isOutage, ctx.state.logger), ctx);
    }
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  app.on('error', (error: Error) => logger.warn({ err: error }, 'a response could not be sent'));
  return app;
}

/**
 * Turns the router's bare "no such path" and "not this method" into problems. To the router a method that it does not know
 * is 501 wherever it is sent; here it is as any other that the path does not take, and 404 where there is no path.
 */
function refuseUnrouted(ctx: Koa.ParameterizedContext): void {
  const isKnownPath = (ctx.response.get('Allow') || '') !== '';
  if ((ctx.status === 405 || ctx.status === 501) && isKnownPath) {
    throw new Problem(405, 'this path does not take this method, see the Allow header');
  }
  if (ctx.status === 404 || ctx.status === 501) throw new Problem(404, 'there is nothing at this path');
}

/** Each answer of 500 or more names the trace under which the log has the reason. */
function answerWith(problem: Problem, ctx: Koa.ParameterizedContext<RequestState>): void {
  ctx.status = problem.status;
  ctx.set(problem.headers);
  const trace = problem.status >= 500 && { trace_id: traceIdOf(ctx.state.traceparent) };
  ctx.body = JSON.stringify({ ...problem.toJSON(), ...trace });
  ctx.type = problemContentType;
}

/** Errors by what the caller should do next: correct the request, come back later, or report it. */
function toProblem(error: unknown, isOutage: (error: unknown) => boolean, logger: Logger): Problem {
  if (error instanceof Problem) return error;
  if (isOutage(error) || error instanceof DeadlineExceeded) {
    logger.warn({ err: error }, 'a request could not be served for now');
    return new Problem(503, 'the service cannot reach its database for now; repeat the request later, unchanged', {
      headers: { 'Retry-After': retryAfterSeconds },
    });
  }
  const status = statusOf(error);
  if (status >= 400 && status < 500) return new Problem(status, (error as Error).message.slice(0, maxLoggedLength));
  logger.error({ err: error }, 'a request failed');
  return new Problem(500, 'something went wrong on our side; the log has it under the trace_id of this answer');
}

/** The status that Koa or the router put on an error of theirs, else 500. */
function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' ? status : 500;
}
