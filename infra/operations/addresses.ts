import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { addressVariables } from '../local/local-servers.js';
import { ExpectedError } from '../local/expected-error.js';
import { devDirectory } from '../local/instance.js';
import { readEnvironment } from '../runtime/environment.js';
import { postgresDsn, rabbitmqUrl, readTemporalSettings } from '../runtime/service-settings.js';

const variables = z.object({
  APP__ORDERS_DB_DSN: postgresDsn,
  APP__PROCESSOR_DB_DSN: postgresDsn,
  APP__RABBITMQ_URL: rabbitmqUrl,
  // Only for links.
  TEMPORAL_UI_URL: z.string().optional(),
  // The outbox forgets what was published; what is older than that is not asked for.
  APP__OUTBOX_RETENTION_DAYS: z.coerce.number().int().positive().prefault('7'),
});

/** Where the parts of a running system are. */
export type Addresses = ReturnType<typeof readAddresses>;

/**
 * The addresses of the system that is to be looked at: those in the environment, else those of the system that
 * `npm start` runs here.
 * @throws EnvironmentError or ExpectedError saying what to set, before anything connects
 */
export function readAddresses(env: NodeJS.ProcessEnv) {
  const given = addressVariables.filter((name) => env[name] || env[`${name}_FILE`]);
  const known = given.length > 0 ? env : { ...env, ...addressesOfLocalSystem() };
  return readEnvironment(variables, known, () => readTemporalSettings(known));
}

/** Where `npm start` notes the addresses of its servers, and tools find them. */
export const addressFile = join(devDirectory, 'run', 'addresses.json');

function addressesOfLocalSystem(): Record<string, string> {
  if (existsSync(addressFile)) return JSON.parse(readFileSync(addressFile, 'utf8')) as Record<string, string>;
  throw new ExpectedError(
    `No system is running here ("npm start" runs one). To look at another one, set ${addressVariables.join(', ')}.`,
  );
}
