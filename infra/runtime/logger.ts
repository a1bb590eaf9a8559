import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * One JSON object a line on standard output: `level` as a word, `time` in ISO 8601, `service`, `msg`. Lines about an
 * order carry `order_id`, and `trace_id` where a trace is known; use `aboutOrder` for that.
 */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    // A DSN may stand in an error's properties: passwords never reach a log line.
    redact: { paths: ['password', '*.password', 'err.client', '*.connectionString'], remove: true },
  });
}

/** A logger whose every line names the order and, if known, the trace it is about. */
export function aboutOrder(logger: Logger, orderId: string, traceId?: string): Logger {
  return logger.child(traceId === undefined ? { order_id: orderId } : { order_id: orderId, trace_id: traceId });
}
