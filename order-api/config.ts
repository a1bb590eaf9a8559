import { z } from 'zod';
import { readEnvironment, wholeNumber } from '../infra/runtime/environment.js';
import { readTemporalSettings, serviceVariables } from '../infra/runtime/service-settings.js';

const variables = z.object({
  ...serviceVariables({ name: 'order-api', port: 8001 }),
  APP__ORDERS_PER_WORKFLOW: wholeNumber(1, 1000).prefault('100'),
  // By default some 0.7 s of work at 2,800 orders a second (measured): well within the time in which an answer is promised.
  APP__POSTS_AT_ONCE: wholeNumber(1, 100_000).prefault('2000'),
});

/**
 * The order API's settings, from the environment, frozen.
 * @throws EnvironmentError naming every fault at once, before anything connects
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}
