import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Pool as HttpPool } from 'undici';
import { repositoryRoot, type ServerDirectory } from '../processes/server-directory.js';
import type { ServiceProcess } from '../services/service-process.js';
import { eventually } from '../testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { createTestNamespace, type TestNamespace } from '../testing/test-namespace.js';
import { createTestVhost, type TestVhost } from '../testing/test-vhost.js';
import { takeLines } from './log-scan.js';
import { startMeasured } from './measured-process.js';
import { countOnce } from './order-counts.js';
import { openWork } from '../../operations/open-work.js';
import { connectTo, placeOrder } from './order-client.js';

export type ServiceName = 'order-api' | 'processor';

const countLimitMs = 10_000;

/** The whole system as production runs it, from dist/, on its own databases, vhost and namespace. */
export class BenchSystem {
  readonly name: string;
  readonly ordersDb: TestDatabase;
  readonly processorDb: TestDatabase;
  readonly vhost: TestVhost;
  readonly temporal: TestNamespace;
  /** Connections to the order API; replaced when it is restarted. */
  http!: HttpPool;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #serverDirectory: ServerDirectory;
  readonly #refused: string[] = [];
  readonly #services = new Map<ServiceName, ServiceProcess>();
  accepted = 0;

  private constructor(
    name: string,
    serverDirectory: ServerDirectory,
    settings: Readonly<Record<string, string>>,
    parts: Pick<BenchSystem, 'ordersDb' | 'processorDb' | 'vhost' | 'temporal'>,
  ) {
    this.name = name;
    this.#serverDirectory = serverDirectory;
    this.#settings = settings;
    this.ordersDb = parts.ordersDb;
    this.processorDb = parts.processorDb;
    this.vhost = parts.vhost;
    this.temporal = parts.temporal;
  }

  /** @param serverDirectory directory of the servers, whose mark the services carry and which keeps their output */
  static async start(
    name: string,
    serverDirectory: ServerDirectory,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<BenchSystem> {
    const [ordersDb, processorDb, vhost, temporal] = await Promise.all([
      createTestDatabase('order-api'),
      createTestDatabase('processor'),
      createTestVhost(),
      createTestNamespace(),
    ]);
    const system = new BenchSystem(name, serverDirectory, settings, { ordersDb, processorDb, vhost, temporal });
    await Promise.all([system.startService('order-api'), system.startService('processor')]);
    return system;
  }

  /** Resolves when the service reports that it and everything it needs are healthy. */
  async startService(name: ServiceName): Promise<void> {
    const { service, port } = await startMeasured({
      name: `${this.name} ${name}`,
      args: [...this.#profiling(name), `${name}/main.js`],
      cwd: join(repositoryRoot, 'dist'),
      settings: {
        APP__SERVICE_NAME: name,
        APP__SUCCESS_RATE: '1',
        APP__RABBITMQ_URL: this.vhost.url,
        APP__DB_DSN: (name === 'order-api' ? this.ordersDb : this.processorDb).dsn,
        TEMPORAL_ADDRESS: this.temporal.address,
        TEMPORAL_NAMESPACE: this.temporal.namespace,
        ...this.#settings,
      },
      serverDirectory: this.#serverDirectory,
      logFile: this.#logFile(name),
    });
    this.#services.set(name, service);
    if (name === 'order-api') this.http = connectTo(port);
  }

  async stopService(name: ServiceName): Promise<void> {
    const service = this.#services.get(name);
    if (service === undefined || service.hasEnded) return;
    if (name === 'order-api') await this.http.destroy();
    await service.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([this.stopService('order-api'), this.stopService('processor')]);
    await this.temporal.close();
    await Promise.all([this.ordersDb.drop(), this.processorDb.drop(), this.vhost.drop()]);
  }

  pidOf(service: ServiceName): number {
    return this.#services.get(service)?.pid ?? 0;
  }

  /** Places a new order and returns its id. @throws Error unless it is accepted */
  async place(): Promise<string> {
    const orderId = await placeOrder(this.http);
    this.accepted += 1;
    return orderId;
  }

  /**
   * Waits until no work is open: every accepted order exists once and is settled at version 2 with one effect on either
   * side, every event is published, and no workflow runs.
   * @throws Error that names what does not hold after `limitMs`, or if Temporal refused a call
   */
  async verify(limitMs = 120_000): Promise<void> {
    // Counting every order repeatedly would cost more than the work awaited here, so this first reads only open work.
    const waited = `${this.name}: no work is open`;
    await eventually(waited, async () => assert.deepEqual(await this.#openWork(), []), limitMs);
    const wanted = { all: this.accepted, settled: this.accepted, received: this.accepted };
    await eventually(
      `${this.name}: every order exists once`,
      async () => assert.deepEqual(await countOnce(this), { orders: wanted, processed: wanted }),
      countLimitMs,
    );
    this.readLogs();
    assert.deepEqual(this.#refused, [], 'Temporal refused calls (RESOURCE_EXHAUSTED), so the run is invalid');
  }

  #openWork(): Promise<string[]> {
    const { ordersDb, processorDb, temporal } = this;
    return openWork({ ordersDb: ordersDb.pool, processorDb: processorDb.pool, temporal: temporal.client });
  }

  /** Scans what the services have logged since the last scan for calls that Temporal refused. */
  readLogs(): void {
    for (const service of this.#services.keys()) {
      this.#refused.push(...takeLines(this.#logFile(service), /RESOURCE_?EXHAUSTED|"code":8[,}]/i));
    }
  }

  /** Kills both services after a failure, without waiting for anything. */
  kill(): void {
    for (const service of this.#services.values()) void service.kill();
  }

  #logFile(service: ServiceName): string {
    return join(this.#serverDirectory.logs, `${this.name}-${service}.log`);
  }

  /** BENCH_PROFILE=order-api writes a CPU profile of that service to bench-results/ when it stops. */
  #profiling(service: ServiceName): string[] {
    if (process.env['BENCH_PROFILE'] !== service) return [];
    return [
      '--cpu-prof',
      `--cpu-prof-dir=${join(repositoryRoot, 'bench-results')}`,
      `--cpu-prof-name=${this.name}-${service}-${this.accepted}.cpuprofile`,
    ];
  }
}
