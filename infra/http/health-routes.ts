import type Router from '@koa/router';
import { withDeadline } from '../runtime/deadline.js';
import type { RequestState } from './http-app.js';

/** Checks whether one dependency responds. Both `false` and an error mean that it does not. */
export type Check = () => Promise<boolean>;

export interface HealthChecks {
  readonly postgres: Check;
  readonly rabbitmq: Check;
  readonly temporal: Check;
}

const checkTimeoutMs = 1000;

/**
 * Adds two routes. `GET /health/live` says only that the process is running. `GET /health` returns 200 `ok` if every
 * dependency responds, 200 `degraded` if RabbitMQ or Temporal does not, since orders are still accepted and are
 * processed later, and 503 `unavailable` if the service's own Postgres does not. A check fails after 1 s.
 */
export function addHealthRoutes(router: Router<RequestState>, service: string, checks: HealthChecks): void {
  router.get('/health/live', (ctx) => {
    ctx.body = { status: 'ok', service };
  });
  router.get('/health', async (ctx) => {
    const [postgres, rabbitmq, temporal] = await Promise.all([
      isUp(checks.postgres),
      isUp(checks.rabbitmq),
      isUp(checks.temporal),
    ]);
    const status = !postgres ? 'unavailable' : rabbitmq && temporal ? 'ok' : 'degraded';
    ctx.status = postgres ? 200 : 503;
    ctx.body = {
      status,
      service,
      checks: { postgres: statusWord(postgres), rabbitmq: statusWord(rabbitmq), temporal: statusWord(temporal) },
    };
  });
}

async function isUp(check: Check): Promise<boolean> {
  try {
    return await withDeadline('a health check', checkTimeoutMs, check());
  } catch {
    return false;
  }
}

function statusWord(up: boolean): 'ok' | 'unavailable' {
  return up ? 'ok' : 'unavailable';
}
