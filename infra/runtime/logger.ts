import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * One JSON object a line on standard output: `level` as a word, `time` in ISO 8601, `service`, `msg`, and what
 * the line is about.
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
