import type { BackgroundLoop } from './background-loop.js';
import { withDeadline } from './deadline.js';
import { EnvironmentError, loadDotEnv } from './environment.js';
import { createLogger, type Logger } from './logger.js';

/** What a composition root registers its parts with. Parts stop in the reverse order of their registration. */
export interface Service {
  /** Fires when the process has been asked to stop. */
  readonly stopping: AbortSignal;
  /** Starts a background part now and stops it with the service. */
  run(name: string, part: BackgroundLoop): void;
  /** Registers how a part is stopped. */
  onStop(name: string, stop: () => Promise<unknown>): void;
}

interface ServiceConfig {
  readonly service: { readonly name: string; readonly logLevel: string };
}

/** Longer than the worker's grace time; all parts together stay below the 30 s in which a service has to be gone. */
const partTimeoutMs = 15_000;

/**
 * The life of a service process: reads its settings, composes its parts, and on SIGTERM or SIGINT stops them in the
 * reverse order and exits: 0 when every part stopped in time, 1 otherwise. A part that fails or hangs does not keep the
 * others from stopping. A second signal exits at once. Every problem with the settings is printed, and the process
 * exits with 2 before anything connects.
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
