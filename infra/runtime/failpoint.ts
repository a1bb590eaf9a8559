/**
 * Where a process can be made to die or to fail, for tests of what survives it: before and after everything that another
 * part of the system can see. Each is passed by the line that it is named after.
 */
export const failpoints = [
  // Orders are placed by one statement, which is one transaction.
  'place.before',
  'place.after',
  // A workflow is written down as the one that carries the orders, then started.
  'assign.before',
  'start.before',
  'start.after',
  // A message is handed to the broker, confirmed, and its row marked.
  'publish.before',
  'confirm.before',
  'mark.before',
  'mark.after',
  // A delivery's transaction is committed, and then it is acknowledged.
  'commit.before',
  'commit.after',
  'acknowledge.before',
  'acknowledge.after',
  // A workflow is signalled, which may never happen.
  'signal.before',
] as const;

export type Failpoint = (typeof failpoints)[number];

/** `mark.before` or, not at the first but at the 20th time, `mark.before:20`; `signal.before:error` fails every time. */
const setting = process.env['APP__FAILPOINT'];

/**
 * Kills this process at once, as `kill -9` would, or throws, when APP__FAILPOINT names this point. Without that setting, which
 * nothing but a test sets, it does nothing.
 */
export const failpoint: (point: Failpoint) => void = setting ? armedBy(setting) : () => undefined;

/** @throws Error when there is no such point: a test that kills nobody would show nothing */
export function armedBy(
  text: string,
  die = () => process.kill(process.pid, 'SIGKILL') as unknown,
): (point: Failpoint) => void {
  const [name = '', count = '1'] = text.split(':');
  if (!failpoints.some((point) => point === name) || !/^([1-9]\d{0,5}|error)$/.test(count)) {
    throw new Error(
      `APP__FAILPOINT is "${text}"; it must be one of ${failpoints.join(', ')}, with ":20" for the 20th time, or ":error"`,
    );
  }
  if (count === 'error') return failingAt(name);
  let left = Number(count);
  return (point) => {
    if (point !== name) return;
    left -= 1;
    if (left === 0) die();
  };
}

function failingAt(name: string): (point: Failpoint) => void {
  return (point) => {
    if (point === name) throw new Error(`${point} fails, since APP__FAILPOINT says so`);
  };
}
