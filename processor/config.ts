import { z } from 'zod';
import { deepFreeze, readEnvironment } from '../infra/runtime/environment.js';
import { readTemporalSettings, serviceVariables, toServiceConfig } from '../infra/runtime/service-settings.js';

const rateMessage = 'must be a number from 0 to 1';
const delayMessage = 'must be a number of milliseconds (100) or a range (100-500), at most 600000';
const maxDelayMs = 600_000;

/** How long the processing of an order takes, in milliseconds: a number, or a range to choose from at random. */
const delayRange = z
  .string()
  .regex(/^\d{1,6}(-\d{1,6})?$/, delayMessage)
  .transform((text) => {
    const [minMs = 0, maxMs = minMs] = text.split('-').map(Number);
    return { minMs, maxMs };
  })
  .refine(({ minMs, maxMs }) => minMs <= maxMs && maxMs <= maxDelayMs, delayMessage);

const schema = z.object({
  ...serviceVariables({ name: 'processor', port: 8002 }),
  APP__SUCCESS_RATE: z
    .string()
    .regex(/^(0|1|0?\.\d{1,15}|1\.0{1,15})$/, rateMessage)
    .transform(Number)
    .prefault('0.8'),
  APP__PROCESSING_DELAY_MS: delayRange.prefault('0'),
});

/** The names of the environment variables, except Temporal's own. */
export const variableNames = Object.keys(schema.shape);

/**
 * Reads the processor's settings from the environment into a frozen object.
 * @throws EnvironmentError that names every problem at once, before anything connects
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  const { temporal, ...variables } = readEnvironment(schema, env, () => readTemporalSettings(env));
  return deepFreeze({
    ...toServiceConfig(variables),
    temporal,
    processing: { successRate: variables.APP__SUCCESS_RATE, delay: variables.APP__PROCESSING_DELAY_MS },
  });
}
