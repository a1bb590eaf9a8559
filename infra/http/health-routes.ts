import type Router from '@koa/router';
import { withDeadline } from '../runtime/deadline.js';
import type { RequestState } from './http-app.js';

/** Asks one dependency whether it answers; false and a throw both mean no. */
export type Check = () => Promise<boolean>;

export interface HealthChecks {
  readonly postgres: Check;
  readonly rabbitmq: Check;
  readonly temporal: Check;
}

const checkTimeoutMs = 1000;

/**
 * `GET /health/live`: the process runs, nothing more. `GET /health`: 200 `ok` when all dependencies answer; 200
 * `degraded` when RabbitMQ or Temporal does not, since orders are accepted all the same and caught up with later;
 * 503 `unavailable` when the service's own Postgres does not.
 */
export function addHealthRoutes(router: Router<RequestState>, service: string, checks: HealthChecks): void {
  router.get('/health/live', (ctx) => {
    ctx.body = { status: 'ok', service };
  });
  router.get('/health', async (ctx) => {
    const [postgres, rabbitmq, temporal] = await Promise.all([
      answers(checks.postgres),
      answers(checks.rabbitmq),
      answers(checks.temporal),
    ]);
    const status = !postgres ? 'unavailable' : rabbitmq && temporal ? 'ok' : 'degraded';
    ctx.status = postgres ? 200 : 503;
    ctx.body = {
      status,
      service,
      checks: { postgres: word(postgres), rabbitmq: word(rabbitmq), temporal: word(temporal) },
    };
  });
}

async function answers(check: Check): Promise<boolean> {
  try {
    return await withDeadline('a health check', checkTimeoutMs, check());
  } catch {
    return false;
  }
}

function word(up: boolean): 'ok' | 'unavailable' {
  return up ? 'ok' : 'unavailable';
}
