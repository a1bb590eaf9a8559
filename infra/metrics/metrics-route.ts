import type Router from '@koa/router';
import type { Registry } from 'prom-client';
import type { RequestState } from '../http/http-app.js';

/** `GET /metrics`: everything in the registry, in the text format of Prometheus. */
export function addMetricsRoute(router: Router<RequestState>, registry: Registry): void {
  router.get('/metrics', async (ctx) => {
    ctx.body = await registry.metrics();
    ctx.type = registry.contentType;
  });
}
