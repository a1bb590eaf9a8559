import { makeTelemetryFilterString, MetricsBuffer, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from '../runtime/logger.js';

const levels: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug', // what the SDK does for its own sake; what matters to an operator comes as a warning
  WARN: 'warn',
  ERROR: 'error',
};

/** What the SDK warns of at each start, and is meant: a worker that runs activities only. */
const intended = /^No workflows registered/;

/**
 * Sends what the Temporal SDK logs, workflow code included, through our logger, and leaves the signals of the process
 * to us: the SDK would stop its workers on SIGTERM by itself, before HTTP and the consumers have drained.
 * Must run before the first connection or worker is made, and once in a process.
 * @param metrics takes what the SDK measures; whoever gives one has to read it, see `addTemporalMetrics`
 */
export function installTemporalRuntime(logger: Logger, metrics?: MetricsBuffer): void {
  const forward = (level: LogLevel, message: string, meta?: object): void => {
    logger[intended.test(message) ? 'debug' : levels[level]]({ ...meta }, message);
  };
  Runtime.install({
    shutdownSignals: [],
    // The SDK's native part would print lines of its own; forwarded, they are JSON like all others.
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(metrics ? { metrics: { buffer: metrics } } : {}),
    },
    logger: {
      log: forward,
      trace: (message, meta) => forward('TRACE', message, meta),
      debug: (message, meta) => forward('DEBUG', message, meta),
      info: (message, meta) => forward('INFO', message, meta),
      warn: (message, meta) => forward('WARN', message, meta),
      error: (message, meta) => forward('ERROR', message, meta),
    },
  });
}

/**
 * A workflow task leaves some 20 updates (measured), so this holds those of thousands of tasks between two readings; an
 * update costs 2 microseconds to read.
 */
export function createMetricsBuffer(): MetricsBuffer {
  return new MetricsBuffer({ maxBufferSize: 100_000 });
}
