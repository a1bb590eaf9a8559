import { z } from 'zod';
import { readEnvironment, wholeNumber } from '../infra/runtime/environment.js';
import { readTemporalSettings, serviceVariables } from '../infra/runtime/service-settings.js';

const variables = z.object({
  ...serviceVariables({ name: 'order-api', port: 8001 }),
  APP__ORDERS_PER_WORKFLOW: wholeNumber(1, 1000).prefault('100'),
  APP__OVERDUE_AFTER_MS: wholeNumber(50, 86_400_000).prefault('30000'),
  APP__STRAGGLER_AFTER_MS: wholeNumber(50, 86_400_000).prefault('60000'),
});

/**
 * The order API's settings, from the environment, frozen.
 * @throws EnvironmentError naming every fault at once, before anything connects
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}
