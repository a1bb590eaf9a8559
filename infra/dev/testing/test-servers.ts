/** A server the tests may take away and bring back, at the same address and with its data. */
export interface StoppableServer {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL, or its like. */
  kill(): Promise<void>;
}

/** Real servers for the tests. `server` is missing for one that was given by the environment. */
export interface TestServers {
  readonly source: 'local' | 'containers';
  readonly ordersDb: { readonly dsn: string; readonly server?: StoppableServer };
  readonly processorDb: { readonly dsn: string; readonly server?: StoppableServer };
  readonly rabbitmq: {
    readonly url: string;
    readonly managementUrl?: string;
    readonly server?: StoppableServer & {
      /** Has it believe that its disk is full, or not any more: it takes no messages until then. */
      setDiskFull(full: boolean): Promise<void>;
    };
  };
  readonly temporal: {
    readonly address: string;
    readonly server?: StoppableServer;
    /** Has it forget everything; not for servers in containers. */
    readonly wipe?: () => Promise<void>;
  };
  stop(): Promise<void>;
}

let current: TestServers | undefined;

/** The servers of this test run. @throws Error when the run was started without any (`TEST_SERVERS=none`) */
export function testServers(): TestServers {
  if (!current) throw new Error('this test needs servers, but the run was started with TEST_SERVERS=none');
  return current;
}

export function provideTestServers(servers: TestServers | undefined): void {
  current = servers;
}
