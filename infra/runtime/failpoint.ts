/**
 * The points at which a test can kill a process or make it fail: before and after every step that another part of the
 * system can see. The code calls `failpoint` with the name at each of them.
 */
export const failpoints = [
  // One statement, which is one transaction, places orders.
  'place.before',
  'place.after',
  // The workflow of the orders is recorded and then started.
  'assign.before',
  'start.before',
  'start.after',
  // A message is published and confirmed, and its row is marked.
  'publish.before',
  'confirm.before',
  'mark.before',
  'mark.after',
  // The transaction of a delivery is committed, and then the delivery is acknowledged.
  'commit.before',
  'commit.after',
  'acknowledge.before',
  'acknowledge.after',
  // A workflow is signalled. The system must also work without the signal.
  'signal.before',
] as const;

export type Failpoint = (typeof failpoints)[number];

/** `mark.before` kills at the first pass, `mark.before:20` at the 20th; `signal.before:error` throws at every pass. */
const setting = process.env['APP__FAILPOINT'];

/**
 * Kills this process at once, as `kill -9` would, or throws, if APP__FAILPOINT names this point. Without that setting,
 * which only tests use, it does nothing.
 */
export const failpoint: (point: Failpoint) => void = setting ? armedBy(setting) : () => undefined;

/**
 * Returns the `failpoint` function for the setting `text`. Each call of it is a pass.
 * @throws Error when the setting names no failpoint: a test that kills no process would prove nothing
 */
export function armedBy(
  text: string,
  die = () => process.kill(process.pid, 'SIGKILL') as unknown,
): (point: Failpoint) => void {
  const [name = '', count = '1'] = text.split(':');
  if (!failpoints.some((point) => point === name) || !/^([1-9]\d{0,5}|error)$/.test(count)) {
    throw new Error(
      `APP__FAILPOINT is "${text}"; it must be one of ${failpoints.join(', ')}, with ":20" for the 20th pass, or ":error"`,
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
    if (point === name) throw new Error(`${point} fails because APP__FAILPOINT is set`);
  };
}
