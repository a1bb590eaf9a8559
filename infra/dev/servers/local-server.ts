/**
 * A private server. start(), stop() and kill() are idempotent. After stop() or kill(), start() starts it again on the
 * same port with the same data.
 */
export interface LocalServer {
  readonly name: string;
  /** Resolves when the server is ready. */
  start(): Promise<void>;
  /** Asks the server to stop, and kills it after a limit. Resolves when none of its processes is left. */
  stop(): Promise<void>;
  /** Sends SIGKILL, which is like a crash. Resolves when none of its processes is left. */
  kill(): Promise<void>;
}
