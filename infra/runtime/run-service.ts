import type { BackgroundLoop } from './background-loop.js';
import { withDeadline } from './deadline.js';
import { EnvironmentError, loadDotEnv } from './environment.js';
import { createLogger, type Logger } from './logger.js';

/** Registers the parts of a service. Parts stop in the reverse order of their registration. */
export interface Service {
  /** Fires when the process is asked to stop. */
  readonly stopping: AbortSignal;
  /** Starts a background loop and stops it with the service. */
  run(name: string, part: BackgroundLoop): void;
  /** Registers a function that stops a part. */
  onStop(name: string, stop: () => Promise<unknown>): void;
}

interface ServiceConfig {
  readonly service: { readonly name: string; readonly logLevel: string };
}

/** This exceeds the worker's shutdown grace time; all parts together stop within the 30 s that a service has. */
const partTimeoutMs = 15_000;

/**
 * Runs a service process: reads its settings, composes its parts, and stops them in reverse order on SIGTERM or SIGINT.
 * It exits with 0 if every part stopped in time, and with 1 otherwise. A part that fails or hangs for 15 s does not
 * keep the others from stopping. A second signal exits at once. If the settings are unusable, it prints every problem
 * and exits with 2 before anything connects.
 */
export async function runService<Config extends ServiceConfig>(
  readConfig: (env: NodeJS.ProcessEnv) => Config,
  compose: (config: Config, logger: Logger, service: Service) => Promise<void>,
): Promise<void> {
  const config = configOrExit(readConfig);
  const logger = createLogger(config.service.name, config.service.logLevel);
  const stopping = new AbortController();
  const parts: { name: string; stop: () => Promise<unknown> }[] = [];

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping.signal.aborted) process.exit(1);
    logger.info({ signal }, 'stopping');
    stopping.abort();
    const clean = await stopInOrder(parts.toReversed(), logger);
    logger.info({ clean }, 'stopped');
    process.exit(clean ? 0 : 1);
  };
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));

  try {
    await compose(config, logger, {
      stopping: stopping.signal,
      run: (name, part) => {
        part.start();
        parts.push({ name, stop: () => part.stop() });
      },
      onStop: (name, stopPart) => parts.push({ name, stop: stopPart }),
    });
  } catch (error) {
    if (stopping.signal.aborted) return; // the stop in progress ends the process
    logger.fatal({ err: error }, 'the service could not start');
    await stopInOrder(parts.toReversed(), logger);
    process.exit(1);
  }
}

function configOrExit<Config>(readConfig: (env: NodeJS.ProcessEnv) => Config): Config {
  try {
    loadDotEnv();
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

async function stopInOrder(parts: readonly { name: string; stop: () => Promise<unknown> }[], logger: Logger) {
  let clean = true;
  for (const part of parts) {
    try {
      await withDeadline(`stopping ${part.name}`, partTimeoutMs, part.stop());
    } catch (error) {
      clean = false;
      logger.error({ err: error, part: part.name }, 'a part did not stop cleanly');
    }
  }
  return clean;
}
