/** A server that the tests may stop and start again, at the same address and with its data. */
export interface StoppableServer {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Sends SIGKILL. */
  kill(): Promise<void>;
}

/** Real servers for the tests. `server` is missing if the address came from the environment. */
export interface TestServers {
  readonly source: 'local' | 'containers';
  readonly ordersDb: { readonly dsn: string; readonly server?: StoppableServer };
  readonly processorDb: { readonly dsn: string; readonly server?: StoppableServer };
  readonly rabbitmq: {
    readonly url: string;
    readonly managementUrl?: string;
    readonly server?: StoppableServer & {
      /** Makes the broker believe that its disk is full, so that it accepts no messages, or that it has space again. */
      setDiskFull(full: boolean): Promise<void>;
    };
  };
  readonly temporal: {
    readonly address: string;
    readonly server?: StoppableServer;
    /** Deletes its state. Missing for servers in containers. */
    readonly wipe?: () => Promise<void>;
  };
  stop(): Promise<void>;
}

let current: TestServers | undefined;

/** Returns the servers of this test run. @throws Error if the run was started without servers (`TEST_SERVERS=none`) */
export function testServers(): TestServers {
  if (!current) throw new Error('this test needs servers, but TEST_SERVERS=none starts none; run it with "npm test"');
  return current;
}

/** Sets the servers that `testServers` returns. */
export function provideTestServers(servers: TestServers | undefined): void {
  current = servers;
}
