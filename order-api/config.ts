import { z } from 'zod';
import { deepFreeze, readEnvironment, wholeNumber } from '../infra/runtime/environment.js';
import { readTemporalSettings, serviceVariables, toServiceConfig } from '../infra/runtime/service-settings.js';

const schema = z.object({
  ...serviceVariables({ name: 'order-api', port: 8001 }),
  APP__ORDERS_PER_WORKFLOW: wholeNumber(1, 1000).prefault('100'),
  // The default is 0.7 s of work at a measured 2,800 orders/s, well within the promised response time.
  APP__POSTS_AT_ONCE: wholeNumber(1, 100_000).prefault('2000'),
});

/** The names of the environment variables, except Temporal's own. */
export const variableNames = Object.keys(schema.shape);

/**
 * Reads the order API's settings from the environment into a frozen object.
 * @throws EnvironmentError that names every problem at once, before anything connects
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  const { temporal, ...variables } = readEnvironment(schema, env, () => readTemporalSettings(env));
  const common = toServiceConfig(variables);
  return deepFreeze({
    ...common,
    temporal,
    http: { ...common.http, maxConcurrentPosts: variables.APP__POSTS_AT_ONCE },
    workflow: { ...common.workflow, maxOrders: variables.APP__ORDERS_PER_WORKFLOW },
  });
}
