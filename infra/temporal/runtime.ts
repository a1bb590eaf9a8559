import { makeTelemetryFilterString, MetricsBuffer, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from '../runtime/logger.js';

const levels: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug', // internals of the SDK; what matters to an operator is logged as a warning
  WARN: 'warn',
  ERROR: 'error',
};

/** The SDK warns at each start about a worker that runs only activities, which is intended. */
const expectedWarning = /^No workflows registered/;

/**
 * Sends everything that the Temporal SDK and workflow code log through `logger`, and keeps the SDK from handling the
 * signals of the process: it would stop its workers on SIGTERM, before HTTP and the consumers have drained. Call it
 * once per process, before the first connection or worker is created.
 * @param metrics receives the metrics of the SDK; the caller must drain it, see `addTemporalMetrics`
 */
export function installTemporalRuntime(logger: Logger, metrics?: MetricsBuffer): void {
  const forward = (level: LogLevel, message: string, meta?: object): void => {
    logger[expectedWarning.test(message) ? 'debug' : levels[level]]({ ...meta }, message);
  };
  Runtime.install({
    shutdownSignals: [],
    // The native part of the SDK would print its own lines; forwarded ones are JSON like all others.
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
 * Creates a buffer for the metrics of the SDK. A workflow task adds some 20 updates (measured), so the buffer holds
 * those of thousands of tasks between two reads. Reading an update takes 2 microseconds.
 */
export function createMetricsBuffer(): MetricsBuffer {
  return new MetricsBuffer({ maxBufferSize: 100_000 });
}
