import pinoPretty from 'pino-pretty';
import { printable } from '../../runtime/printable.js';

const maxLength = 2000;

const format = pinoPretty.prettyFactory({
  colorize: false,
  hideObject: true,
  ignore: 'pid,hostname',
  translateTime: 'SYS:HH:MM:ss',
  messageFormat: (entry) => {
    const { msg, program } = entry;
    const order = entry['order_id'] ?? entry['orderId'];
    const problem = (entry['err'] as { message?: unknown } | undefined)?.message;
    const parts = [
      String(program).padEnd(9),
      typeof msg === 'string' ? msg : JSON.stringify(msg),
      typeof order === 'string' ? `order_id=${order}` : '',
      typeof problem === 'string' && problem !== msg ? `(${problem})` : '',
    ];
    return parts.filter((part) => part !== '').join(' ');
  },
});

/**
 * Formats one log line of a program for people: time, level, program, message and, if it has one, the order. The
 * complete JSON line is in the log file. A line that is not a JSON log line is shown as it is. The result is always a
 * single line without control characters, cut after 2,000 characters, since messages and orders contain text from
 * outside.
 */
export function consoleLine(program: string, line: string): string {
  const entry = parse(line);
  const text = entry === undefined ? `${''.padEnd(14)} ${program}  ${line}` : format({ ...entry, program });
  return printable(text.trimEnd(), maxLength);
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    return 'level' in entry ? entry : undefined;
  } catch {
    return undefined;
  }
}
