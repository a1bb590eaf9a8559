import { z } from 'zod';
import { readEnvironment } from '../infra/runtime/environment.js';
import { readTemporalSettings, serviceVariables } from '../infra/runtime/service-settings.js';

const variables = z.object(serviceVariables({ name: 'order-api', port: 8001 }));

/**
 * The order API's settings, from the environment, frozen.
 * @throws EnvironmentError naming every fault at once, before anything connects
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}
