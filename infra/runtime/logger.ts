import { pino, stdSerializers, type Logger, type LoggerOptions } from 'pino';
import { boundedText } from './bounded-text.js';

export type { Logger };

/**
 * One JSON object a line on standard output: `level` as a word, `time` in ISO 8601, `service`, `msg`, and what
 * the line is about.
 */
export function createLogger(service: string, level: string): Logger {
  // Not waiting for each line to be written: what is logged meanwhile leaves with the next write, and the rest when the
  // process exits. Only a SIGKILL can take the last lines with it; what must not be lost is in the databases.
  const output = pino.destination({ dest: 1, sync: false });
  const options: LoggerOptions = {
    level,
    base: { service },
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: boundedError },
    timestamp: pino.stdTimeFunctions.isoTime,
    // A DSN may stand in an error's properties: passwords never reach a log line.
    redact: { paths: ['password', '*.password', 'err.client', '*.connectionString'], remove: true },
  };
  return pino(options, output);
}

const maxStackLength = 4000;

/** What a log line says of an error: its message may hold what a stranger has sent, as long as he liked. */
export function boundedError(error: Error): object {
  const written = stdSerializers.err(error) as { message?: unknown; stack?: unknown };
  const { message, stack } = written;
  if (typeof message !== 'string' || typeof stack !== 'string') return written;
  return { ...written, message: boundedText(message), stack: boundedText(stack, maxStackLength) };
}
