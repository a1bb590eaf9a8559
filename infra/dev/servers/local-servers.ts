import { CliError } from '../../runtime/cli-error.js';
import {
  openServerDirectory,
  type ServerDirectory,
  type ServerDirectoryKind,
  type Print,
} from '../processes/server-directory.js';
import type { LocalServer } from './local-server.js';
import { choosePort } from '../processes/ports.js';
import { postgresDsn, postgresServer } from './postgres-server.js';
import { rabbitmqServer, rabbitmqUrl, type RabbitmqServer } from './rabbitmq-server.js';
import { temporalServer, wipeTemporal } from './temporal-server.js';

export interface StartServersOptions {
  /** `dev` keeps its state in `.local/dev`; `test` uses free ports and leaves nothing behind. */
  serverDirectory: ServerDirectoryKind;
  /** Preferred ports. One that is in use is replaced, which is printed. Default: any free port. */
  preferredPorts?: Partial<Record<PortName, number>>;
  /** No server is started for an address that is set here. Default: process.env. */
  environment?: NodeJS.ProcessEnv;
  /** Receives one line for each step. Default: nothing is shown. */
  print?: Print;
  /** Aborts the start and stops the servers that were started. */
  signal?: AbortSignal;
  /** Additional settings of both Postgres servers. */
  postgresSettings?: Readonly<Record<string, string>>;
}

/** `server` is undefined if the address came from the environment. */
export interface LocalServers {
  ordersDb: { dsn: string; server?: LocalServer };
  processorDb: { dsn: string; server?: LocalServer };
  rabbitmq: { url: string; managementUrl?: string; server?: RabbitmqServer };
  temporal: {
    address: string;
    namespace: string;
    uiUrl?: string;
    server?: LocalServer;
    /** Deletes its state, as if its disk had been lost. */
    wipe?: () => Promise<void>;
  };
  serverDirectory: ServerDirectory;
  /**
   * Stops Temporal, RabbitMQ and Postgres, in this order, each within its limit. Servers for tests, whose files nobody
   * needs, are killed instead, which saves 8 seconds. Idempotent; never rejects.
   */
  stop(): Promise<void>;
  /** Kills all servers immediately and in no particular order. */
  kill(): Promise<void>;
}

export type PortName = 'orders' | 'processor' | 'amqp' | 'management' | 'temporal' | 'temporalUi';

export const devPorts: Readonly<Record<PortName, number>> = {
  orders: 5432,
  processor: 5433,
  amqp: 5672,
  management: 15672,
  temporal: 7233,
  temporalUi: 8233,
};

const portUses: Readonly<Record<PortName, string>> = {
  orders: 'the orders Postgres',
  processor: 'the processor Postgres',
  amqp: 'RabbitMQ',
  management: 'the RabbitMQ management UI',
  temporal: 'Temporal',
  temporalUi: 'the Temporal Web UI',
};

/**
 * Concurrently starts every server for which the environment has no address (APP__ORDERS_DB_DSN, APP__PROCESSOR_DB_DSN,
 * APP__RABBITMQ_URL, TEMPORAL_ADDRESS), and resolves when all of them are ready.
 * @throws CliError if one cannot be started; the others are then stopped
 */
export async function startServers(options: StartServersOptions): Promise<LocalServers> {
  const print = options.print ?? (() => undefined);
  const serverDirectory = await openServerDirectory(options.serverDirectory, print);
  const starting = new Starting(serverDirectory, options, print);
  try {
    const parts = await starting.all();
    return { ...parts, serverDirectory, stop: () => starting.stop(), kill: () => starting.kill() };
  } catch (error) {
    await starting.stop();
    throw error;
  }
}

type ServerParts = Pick<LocalServers, 'ordersDb' | 'processorDb' | 'rabbitmq' | 'temporal'>;

class Starting {
  readonly #serverDirectory: ServerDirectory;
  readonly #options: StartServersOptions;
  readonly #print: Print;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  /** By rank: the highest is stopped first. */
  readonly #servers: { rank: number; server: LocalServer }[] = [];
  #stopped: Promise<void> | undefined;

  constructor(serverDirectory: ServerDirectory, options: StartServersOptions, print: Print) {
    this.#serverDirectory = serverDirectory;
    this.#options = options;
    this.#print = print;
    this.#environment = options.environment ?? process.env;
    this.#signal = AbortSignal.any([this.#failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  }

  async all(): Promise<ServerParts> {
    const onAbort = () => void this.stop();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const parts = await this.#waitForAll([
      this.#postgres('orders', 'APP__ORDERS_DB_DSN'),
      this.#postgres('processor', 'APP__PROCESSOR_DB_DSN'),
      this.#rabbitmq(),
      this.#temporal(),
    ]);
    this.#signal.removeEventListener('abort', onAbort);
    if (this.#signal.aborted) throw new CliError('the start was interrupted');
    const [ordersDb, processorDb, rabbitmq, temporal] = parts;
    return { ordersDb, processorDb, rabbitmq, temporal };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#options.serverDirectory === 'test' ? this.kill() : this.#stopInOrder();
    return this.#stopped;
  }

  async kill(): Promise<void> {
    this.#reportFailures(await Promise.allSettled(this.#servers.map(({ server }) => server.kill())));
    this.#serverDirectory.close();
  }

  /** Waits for every task, so that no start is still in progress afterwards. The first failure aborts the others. */
  async #waitForAll<T extends readonly unknown[]>(tasks: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
    const watched = (tasks as unknown as Promise<unknown>[]).map((task) =>
      task.catch((error: unknown) => {
        this.#failed.abort();
        throw error;
      }),
    );
    await Promise.allSettled(watched);
    return (await Promise.all(watched)) as unknown as T;
  }

  async #stopInOrder(): Promise<void> {
    const ranks = [...new Set(this.#servers.map(({ rank }) => rank))].sort((a, b) => b - a);
    for (const rank of ranks) {
      const servers = this.#servers.filter((entry) => entry.rank === rank).map(({ server }) => server);
      this.#reportFailures(await Promise.allSettled(servers.map((server) => server.stop())));
    }
    this.#serverDirectory.close();
  }

  #reportFailures(results: readonly PromiseSettledResult<void>[]): void {
    for (const result of results) if (result.status === 'rejected') this.#print(String(result.reason));
  }

  async #start(rank: number, server: LocalServer, where: string): Promise<void> {
    if (this.#signal.aborted)
      throw new CliError(`${server.name} was not started: another server failed, or the start was interrupted`);
    const began = Date.now();
    this.#servers.push({ rank, server });
    await server.start();
    this.#print(`${server.name} is ready on ${where} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }

  async #port(name: PortName): Promise<number> {
    const preferred = this.#options.preferredPorts?.[name];
    const port = await choosePort(preferred);
    if (preferred !== undefined && port !== preferred) {
      this.#print(`port ${preferred} is in use; ${portUses[name]} listens on ${port} instead`);
    }
    return port;
  }

  async #postgres(database: 'orders' | 'processor', variable: string): Promise<{ dsn: string; server?: LocalServer }> {
    const given = this.#environment[variable];
    if (given) return { dsn: given };
    const port = await this.#port(database);
    const server = await postgresServer({
      ...this.#base(),
      database,
      port,
      settings: this.#options.postgresSettings ?? {},
    });
    await this.#start(1, server, `127.0.0.1:${port}`);
    return { dsn: postgresDsn(port, database), server };
  }

  async #rabbitmq(): Promise<LocalServers['rabbitmq']> {
    const given = this.#environment['APP__RABBITMQ_URL'];
    if (given) return { url: given };
    const amqp = await this.#port('amqp');
    const management = await this.#port('management');
    const [distribution, epmd] = [await choosePort(), await choosePort()];
    const server = await rabbitmqServer({ ...this.#base(), ports: { amqp, management, distribution, epmd } });
    await this.#start(2, server, `127.0.0.1:${amqp}`);
    return { url: rabbitmqUrl(amqp), managementUrl: `http://127.0.0.1:${management}`, server };
  }

  async #temporal(): Promise<LocalServers['temporal']> {
    const namespace = this.#environment['TEMPORAL_NAMESPACE'] || 'default';
    const given = this.#environment['TEMPORAL_ADDRESS'];
    if (given) return { address: given, namespace };
    const port = await this.#port('temporal');
    const uiPort = await this.#port('temporalUi');
    const server = await temporalServer({ ...this.#base(), port, uiPort, namespace });
    await this.#start(3, server, `127.0.0.1:${port}`);
    const wipe = (): Promise<void> => wipeTemporal(server, this.#serverDirectory);
    return { address: `127.0.0.1:${port}`, namespace, uiUrl: `http://localhost:${uiPort}`, server, wipe };
  }

  #base() {
    return {
      serverDirectory: this.#serverDirectory,
      environment: this.#environment,
      print: this.#print,
      signal: this.#signal,
    };
  }
}
