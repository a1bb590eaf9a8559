import { z } from 'zod';
import { CliError } from '../runtime/cli-error.js';
import { readEnvironment } from '../runtime/environment.js';
import { postgresDsn, rabbitmqUrl, readTemporalSettings } from '../runtime/service-settings.js';

/** The environment variables that hold the addresses of a system's parts. Each also has a `_FILE` variant. */
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
  // It is used for links only.
  TEMPORAL_UI_URL: z.string().optional(),
  // Published rows older than this may have been removed from the outbox, so their absence proves nothing.
  APP__OUTBOX_RETENTION_DAYS: z.coerce.number().int().positive().prefault('7'),
});

/** The addresses and settings by which operations reach a running system. */
export type Addresses = ReturnType<typeof readAddresses>;

/** Returns true when at least one address is set. */
export function hasAddresses(env: NodeJS.ProcessEnv): boolean {
  return addressVariables.some((name) => env[name] || env[`${name}_FILE`]);
}

/**
 * Reads the addresses of the system to operate on.
 * @throws CliError or EnvironmentError that says what to set, before anything connects
 */
export function readAddresses(env: NodeJS.ProcessEnv) {
  if (!hasAddresses(env)) throw new CliError(`Set the addresses of the system: ${addressVariables.join(', ')}.`);
  return readEnvironment(variables, env, () => readTemporalSettings(env));
}
