const repeatMs = 1_000;
const parentPollMs = 500;

/**
 * Aborted by the first SIGINT, SIGTERM or SIGHUP, and when the npm that started us is gone. A second signal calls
 * `onSecond`; one within a second of the first does not count, since npm passes on the Ctrl-C that we got as well.
 */
export function onStopRequest(onSecond: () => void): AbortSignal {
  const stop = new AbortController();
  let firstAt: number | undefined;
  const request = (reason: string) => {
    if (firstAt !== undefined && Date.now() - firstAt > repeatMs) onSecond();
    firstAt ??= Date.now();
    stop.abort(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => request(signal));
  watchParent(() => stop.abort('the parent process ended'));
  return stop.signal;
}

/** Only below npm: whoever starts node itself in the background may well end before it. */
function watchParent(onGone: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, parentPollMs);
  timer.unref();
}
