import { z } from 'zod';
import { CliError } from '../runtime/cli-error.js';
import { readEnvironment } from '../runtime/environment.js';
import { postgresDsn, rabbitmqUrl, readTemporalSettings } from '../runtime/service-settings.js';

/** The variables, each with its `_FILE` variant, that say where the parts of a system are. */
export const addressVariables = [
  'APP__ORDERS_DB_DSN',
  'APP__PROCESSOR_DB_DSN',
  'APP__RABBITMQ_URL',
  'TEMPORAL_ADDRESS',
] as const;

export type AddressVariable = (typeof addressVariables)[number];

const variables = z.object({
  APP__ORDERS_DB_DSN: postgresDsn,
  APP__PROCESSOR_DB_DSN: postgresDsn,
  APP__RABBITMQ_URL: rabbitmqUrl,
  // Only for links.
  TEMPORAL_UI_URL: z.string().optional(),
  // Published rows that are older may be gone from the outbox, so nothing is concluded from their absence.
  APP__OUTBOX_RETENTION_DAYS: z.coerce.number().int().positive().prefault('7'),
});

/** Where the parts of a running system are. */
export type Addresses = ReturnType<typeof readAddresses>;

/** True when at least one address is set. */
export function hasAddresses(env: NodeJS.ProcessEnv): boolean {
  return addressVariables.some((name) => env[name] || env[`${name}_FILE`]);
}

/**
 * The addresses of the system to look at.
 * @throws CliError or EnvironmentError saying what to set, before anything connects
 */
export function readAddresses(env: NodeJS.ProcessEnv) {
  if (!hasAddresses(env)) throw new CliError(`Set the addresses of the system: ${addressVariables.join(', ')}.`);
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}
