/**
 * A private server. start(), stop() and kill() are idempotent; after stop() or kill(), start() brings it back on the
 * same port with the same data.
 */
export interface LocalServer {
  readonly name: string;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** Asks it to stop, then kills it after a limit. Resolves when no process of it is left. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would be. Resolves when no process of it is left. */
  kill(): Promise<void>;
}
