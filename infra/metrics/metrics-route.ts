import type Router from '@koa/router';
import type { Registry } from 'prom-client';
import type { RequestState } from '../http/http-app.js';

/** Adds `GET /metrics`, which returns all metrics of the registry in the Prometheus text format. */
export function addMetricsRoute(router: Router<RequestState>, registry: Registry): void {
  router.get('/metrics', async (ctx) => {
    ctx.body = await registry.metrics();
    ctx.type = registry.contentType;
  });
}
