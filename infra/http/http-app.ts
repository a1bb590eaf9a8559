import Router from '@koa/router';
import Koa from 'koa';
import helmet from 'koa-helmet';
import { DeadlineExceeded } from '../runtime/deadline.js';
import type { Logger } from '../runtime/logger.js';
import { continueTrace, traceIdOf } from '../runtime/trace-context.js';
import { Problem, problemContentType } from './problem.js';
import { refuseProtocolErrors } from './protocol-rules.js';

/** The state that every request carries. */
export interface RequestState {
  /** The W3C `traceparent` of this hop, to be passed on to everything that the request starts. */
  traceparent: string;
  logger: Logger;
  /** The body as received, on routes that receive one. */
  text?: string;
  /** The parsed body, on routes that parse one. */
  body?: unknown;
}

const retryAfterSeconds = '2';
/** Text that the caller chose is logged up to this many characters. */
const maxLoggedLength = 200;

/**
 * Creates a router that matches paths exactly as written. By default the router would also match `/METRICS` and
 * `/metrics/`, so that they would bypass a proxy rule for `/metrics`.
 */
export function createRouter(): Router<RequestState> {
  return new Router<RequestState>({ sensitive: true, strict: true });
}

/**
 * Creates a Koa application. Its middleware runs in this order: security headers, trace and log, mapping of errors to
 * problem details, the rules of HTTP that Node does not enforce, the routes. It does not trust the headers of a proxy.
 * @param isOutage returns true for an error that means that a dependency of the service is unavailable; such an error
 * is answered with 503
 */
export function createHttpApp(
  router: Router<RequestState>,
  logger: Logger,
  isOutage: (error: unknown) => boolean = () => false,
): Koa<RequestState> {
  const app = new Koa<RequestState>();
  // Strict-Transport-Security is forbidden over plain HTTP (RFC 6797 7.2). The proxy that terminates TLS decides
  // whether to send it.
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
 * Turns the router's empty 404, 405 and 501 responses into problems. The router answers 501 to an unknown method on any
 * path. Here an unknown method gets the same answer as any unsupported one: 405, or 404 if there is no route.
 */
function refuseUnrouted(ctx: Koa.ParameterizedContext): void {
  const isKnownPath = (ctx.response.get('Allow') || '') !== '';
  if ((ctx.status === 405 || ctx.status === 501) && isKnownPath) {
    throw new Problem(405, 'this path does not support this method; see the Allow header');
  }
  if (ctx.status === 404 || ctx.status === 501) throw new Problem(404, 'there is nothing at this path');
}

/** An answer with a status of 500 or above names the trace under which the log has the reason. */
function answerWith(problem: Problem, ctx: Koa.ParameterizedContext<RequestState>): void {
  ctx.status = problem.status;
  ctx.set(problem.headers);
  const trace = problem.status >= 500 && { trace_id: traceIdOf(ctx.state.traceparent) };
  ctx.body = JSON.stringify({ ...problem.toJSON(), ...trace });
  ctx.type = problemContentType;
}

/** Maps an error by what the caller should do next: correct the request, retry it later, or report the error. */
function toProblem(error: unknown, isOutage: (error: unknown) => boolean, logger: Logger): Problem {
  if (error instanceof Problem) return error;
  if (isOutage(error) || error instanceof DeadlineExceeded) {
    logger.warn({ err: error }, 'a request could not be served: a dependency is unavailable or too slow');
    return new Problem(503, 'the service cannot reach its database; repeat the request later, unchanged', {
      headers: { 'Retry-After': retryAfterSeconds },
    });
  }
  const status = statusOf(error);
  if (status >= 400 && status < 500) return new Problem(status, (error as Error).message.slice(0, maxLoggedLength));
  logger.error({ err: error }, 'a request failed');
  return new Problem(500, 'an internal error occurred; the log of the service has the details under this trace_id');
}

/** The status that Koa or the router has set on the error, or 500. */
function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' ? status : 500;
}
