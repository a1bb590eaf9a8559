import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { wholeNumber } from './environment.js';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export const postgresDsn = z
  .string({ error: 'is required, e.g. postgresql://user:password@localhost:5432/orders' })
  // The Python original of this system names its driver in the scheme; node-postgres needs the scheme without it.
  .transform((dsn) => dsn.replace(/^(postgres(?:ql)?)\+[a-z0-9]+:/, '$1:'))
  .refine(
    (dsn) => isUrlOf(dsn, ['postgres:', 'postgresql:']),
    'must be a Postgres address, e.g. postgresql://user:password@localhost:5432/orders',
  );

export const rabbitmqUrl = z
  .string({ error: 'is required, e.g. amqp://user:password@localhost:5672' })
  .refine(
    (url) => isUrlOf(url, ['amqp:', 'amqps:']),
    'must be an AMQP address, e.g. amqp://user:password@localhost:5672',
  );

function isUrlOf(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

/** The schemas of the variables that both services read, with the defaults of one service. */
export function serviceVariables(defaults: { name: string; port: number }) {
  return {
    APP__DB_DSN: postgresDsn,
    APP__RABBITMQ_URL: rabbitmqUrl,
    APP__SERVICE_NAME: z.string().default(defaults.name),
    APP__HOST: z.string().default('127.0.0.1'),
    APP__PORT: wholeNumber(0, 65_535).prefault(String(defaults.port)),
    // The server further limits this by the file descriptors of the process, see connectionLimit.
    APP__MAX_CONNECTIONS: wholeNumber(1, 1_000_000).prefault('5000'),
    APP__LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
    APP__CHECK_AFTER_MS: wholeNumber(50, 86_400_000).prefault('30000'),
    APP__RECONCILE_INTERVAL_MS: wholeNumber(50, 3_600_000).prefault('2000'),
    APP__RECONCILE_GRACE_MS: wholeNumber(50, 3_600_000).prefault('30000'),
    APP__OUTBOX_RETENTION_DAYS: wholeNumber(1, 3650).prefault('7'),
    APP__INBOX_RETENTION_DAYS: wholeNumber(1, 3650).prefault('30'),
  };
}

/**
 * Returns the configuration that both services share, grouped by part. Other code does not see the names of variables.
 */
export function toServiceConfig(variables: z.output<z.ZodObject<ReturnType<typeof serviceVariables>>>) {
  return {
    service: { name: variables.APP__SERVICE_NAME, logLevel: variables.APP__LOG_LEVEL },
    postgres: { dsn: variables.APP__DB_DSN },
    rabbitmq: { url: variables.APP__RABBITMQ_URL },
    http: { host: variables.APP__HOST, port: variables.APP__PORT, maxConnections: variables.APP__MAX_CONNECTIONS },
    workflow: { checkAfterMs: variables.APP__CHECK_AFTER_MS },
    reconcile: { intervalMs: variables.APP__RECONCILE_INTERVAL_MS, graceMs: variables.APP__RECONCILE_GRACE_MS },
    retention: { outboxDays: variables.APP__OUTBOX_RETENTION_DAYS, inboxDays: variables.APP__INBOX_RETENTION_DAYS },
  };
}

/**
 * Reads Temporal's standard settings: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*`,
 * `TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`. The address defaults to localhost:7233 and the namespace to `default`.
 * @throws Error when the configuration file or a TLS setting cannot be used
 */
export function readTemporalSettings(env: NodeJS.ProcessEnv) {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1])),
    });
    return { temporal: { connectionOptions, namespace: namespace ?? 'default' } };
  } catch (error) {
    throw new Error(`TEMPORAL_*: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
