import { printable } from '../../runtime/printable.js';

const levels: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO ',
  40: 'WARN ',
  50: 'ERROR',
  60: 'FATAL',
};

const maxLength = 2000;

/**
 * Formats one log line of a program for people: time, level, program, message and, if it has one, the order. The
 * complete JSON line is in the log file. A line that is not a JSON log line is shown as it is. The result is always a
 * single line without control characters, cut after 2,000 characters, since messages and orders contain text from
 * outside.
 */
export function consoleLine(program: string, line: string): string {
  return printable(lineOf(program, line), maxLength);
}

function lineOf(program: string, line: string): string {
  const entry = parse(line);
  if (entry === undefined) return `${''.padEnd(14)} ${program}  ${line}`;
  const { level, msg, time } = entry;
  const order = entry['order_id'] ?? entry['orderId'];
  const problem = (entry['err'] as { message?: unknown } | undefined)?.message;
  const parts = [
    typeof time === 'number' || typeof time === 'string' ? new Date(time).toTimeString().slice(0, 8) : '--:--:--',
    typeof level === 'number' ? (levels[level] ?? String(level)) : String(level).toUpperCase().padEnd(5),
    ` ${program} `,
    typeof msg === 'string' ? msg : JSON.stringify(msg),
    typeof order === 'string' ? `order_id=${order}` : '',
    typeof problem === 'string' && problem !== msg ? `(${problem})` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
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
