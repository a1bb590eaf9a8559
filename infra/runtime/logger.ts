import { pino, stdSerializers, type Logger, type LoggerOptions } from 'pino';
import { boundedText } from './bounded-text.js';

export type { Logger };

/**
 * Creates a logger that writes one JSON object per line to standard output: `level` as a word, `time` in ISO 8601,
 * `service`, `msg`, and the fields of the line.
 */
export function createLogger(service: string, level: string): Logger {
  // Writes are asynchronous: lines that are logged during a write leave with the next one, and the rest when the
  // process exits. Only a SIGKILL can lose the last lines; everything that must not be lost is in the databases.
  const output = pino.destination({ dest: 1, sync: false });
  const options: LoggerOptions = {
    level,
    base: { service },
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: boundedError },
    timestamp: pino.stdTimeFunctions.isoTime,
    // The properties of an error may contain a DSN. No password must reach a log line.
    redact: { paths: ['password', '*.password', 'err.client', '*.connectionString'], remove: true },
  };
  return pino(options, output);
}

const maxStackLength = 4000;

/** Serializes an error for a log line. Its message is cut, since it may contain input of any length from outside. */
export function boundedError(error: Error): object {
  const written = stdSerializers.err(error) as { message?: unknown; stack?: unknown };
  const { message, stack } = written;
  if (typeof message !== 'string' || typeof stack !== 'string') return written;
  return { ...written, message: boundedText(message), stack: boundedText(stack, maxStackLength) };
}
