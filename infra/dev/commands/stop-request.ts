const repeatMs = 1_000;
const parentPollMs = 500;

/**
 * Returns an AbortSignal that is aborted by the first SIGINT, SIGTERM or SIGHUP, or when the npm that started this
 * process is gone. A second signal calls `onSecond`. A signal within a second of the first does not count, since npm
 * forwards the Ctrl-C that this process has received as well.
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
  watchParent(() => stop.abort('the parent process exited'));
  return stop.signal;
}

/** Watches the parent only below npm: a shell that starts node in the background may well exit first. */
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
