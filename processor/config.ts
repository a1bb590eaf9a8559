import { z } from 'zod';
import { readEnvironment } from '../infra/runtime/environment.js';
import { readTemporalSettings, serviceVariables } from '../infra/runtime/service-settings.js';

const rateMessage = 'must be a number from 0 to 1';
const delayMessage = 'must be milliseconds (100) or a range of them (100-500), at most 600000';
const longestDelayMs = 600_000;

/** How long an order takes: one number of milliseconds, or a range to pick from at random. */
const delayRange = z
  .string()
  .regex(/^\d{1,6}(-\d{1,6})?$/, delayMessage)
  .transform((text) => {
    const [minMs = 0, maxMs = minMs] = text.split('-').map(Number);
    return { minMs, maxMs };
  })
  .refine(({ minMs, maxMs }) => minMs <= maxMs && maxMs <= longestDelayMs, delayMessage);

const variables = z.object({
  ...serviceVariables({ name: 'processor', port: 8002 }),
  APP__SUCCESS_RATE: z
    .string()
    .regex(/^(0|1|0?\.\d{1,15}|1\.0{1,15})$/, rateMessage)
    .transform(Number)
    .prefault('0.8'),
  APP__PROCESSING_DELAY_MS: delayRange.prefault('0'),
});

/**
 * The processor's settings, from the environment, frozen.
 * @throws EnvironmentError naming every fault at once, before anything connects
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}
