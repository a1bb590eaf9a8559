import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool as HttpPool } from 'undici';
import { repositoryRoot, type ServerDirectory, type Print } from '../../processes/server-directory.js';
import type { ServiceProcess } from '../../services/service-process.js';
import { eventually } from '../../testing/eventually.js';
import { createTestDatabase, type TestDatabase } from '../../testing/test-database.js';
import { createTestVhost, type TestVhost } from '../../testing/test-vhost.js';
import type { OrderSystem } from '../load.js';
import { startMeasured } from '../measured-process.js';
import { countOnce } from '../order-counts.js';
import { hasOpenRows } from '../../../operations/open-work.js';
import { connectTo, placeOrder } from '../order-client.js';
import { packagesVariable } from './packages.js';
import { peerVariable, type Peer } from './peer.js';
import { startRestateServer, type RestateServer } from './restate-server.js';

const sides = ['order-side', 'processor-side'] as const;
const countLimitMs = 10_000;

type Side = (typeof sides)[number];

/** A peer's two processes on their own databases and vhost, with the same settings as this system. */
export class PeerSystem implements OrderSystem {
  readonly peer: Peer;
  readonly ordersDb: TestDatabase;
  readonly processorDb: TestDatabase;
  readonly restate: RestateServer | undefined;
  readonly #vhost: TestVhost;
  readonly #processes = new Map<Side, ServiceProcess>();
  #http: HttpPool | undefined;
  #accepted = 0;

  private constructor(
    peer: Peer,
    parts: {
      ordersDb: TestDatabase;
      processorDb: TestDatabase;
      vhost: TestVhost;
      restate: RestateServer | undefined;
    },
  ) {
    this.peer = peer;
    this.ordersDb = parts.ordersDb;
    this.processorDb = parts.processorDb;
    this.#vhost = parts.vhost;
    this.restate = parts.restate;
  }

  /** @param packages where the peers' packages are installed @throws Error if the peer does not become healthy */
  static async start(
    peer: Peer,
    packages: string,
    serverDirectory: ServerDirectory,
    print: Print,
  ): Promise<PeerSystem> {
    const [ordersDb, processorDb, vhost, restate] = await Promise.all([
      createTestDatabase('order-api'),
      createTestDatabase('processor'),
      createTestVhost(),
      peer.name === 'restate' ? startRestateServer(packages, serverDirectory, print) : undefined,
    ]);
    const system = new PeerSystem(peer, { ordersDb, processorDb, vhost, restate });
    try {
      await Promise.all(sides.map((side) => system.#start(side, packages, serverDirectory)));
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  async #start(side: Side, packages: string, serverDirectory: ServerDirectory): Promise<void> {
    const isOrderSide = side === 'order-side';
    const { service, port } = await startMeasured({
      name: `${this.peer.name} ${side}`,
      args: ['--import', 'tsx', fileURLToPath(new URL(`${side}.ts`, import.meta.url))],
      cwd: repositoryRoot,
      settings: {
        APP__SERVICE_NAME: isOrderSide ? 'order-api' : 'processor',
        APP__SUCCESS_RATE: '1',
        APP__RABBITMQ_URL: this.#vhost.url,
        APP__DB_DSN: (isOrderSide ? this.ordersDb : this.processorDb).dsn,
        [peerVariable]: this.peer.name,
        [packagesVariable]: packages,
        ...this.restate?.settings,
      },
      serverDirectory,
      logFile: join(serverDirectory.logs, `${this.peer.name}-${side}.log`),
    });
    this.#processes.set(side, service);
    if (isOrderSide) this.#http = connectTo(port);
  }

  get pids(): Readonly<Record<'order-api' | 'processor', number>> {
    const [order, processor] = sides.map((side) => this.#processes.get(side)?.pid ?? 0);
    return { 'order-api': order ?? 0, processor: processor ?? 0 };
  }

  async place(): Promise<string> {
    if (!this.#http) throw new Error(`${this.peer.name} is not started`);
    const orderId = await placeOrder(this.#http);
    this.#accepted += 1;
    return orderId;
  }

  /**
   * Waits until no work is open: every accepted order exists once and is settled at version 2 with one effect on either
   * side, every event is published, and no workflow runs.
   * @throws Error that names what does not hold after `limitMs`
   */
  async verify(limitMs = 120_000): Promise<void> {
    const { name } = this.peer;
    const nothingOpen = async () =>
      assert.deepEqual(
        [
          await hasOpenRows({ ordersDb: this.ordersDb.pool, processorDb: this.processorDb.pool }),
          await this.#openWorkflows(),
        ],
        [false, 0],
      );
    await eventually(`${name}: no work is open`, nothingOpen, limitMs);
    const wanted = { all: this.#accepted, settled: this.#accepted, received: this.#accepted };
    const allOnce = async () => assert.deepEqual(await countOnce(this), { orders: wanted, processed: wanted });
    await eventually(`${name}: every order exists once`, allOnce, countLimitMs);
  }

  async #openWorkflows(): Promise<number> {
    if (this.restate) return this.restate.countOpen();
    if (this.peer.name !== 'dbos') return 0;
    const { rows } = await this.ordersDb.pool.query<{ open: string }>(
      `select /* bench */ count(*) as open from dbos.workflow_status where status in ('PENDING', 'ENQUEUED', 'DELAYED')`,
    );
    return Number(rows[0]?.open);
  }

  /** Stops the peer and removes everything it used. Can be called after a failure as well. */
  async stop(): Promise<void> {
    await this.#http?.destroy();
    await Promise.all([...this.#processes.values()].map((service) => service.stop()));
    await this.restate?.stop();
    await Promise.all([this.ordersDb.drop(), this.processorDb.drop(), this.#vhost.drop()]);
  }
}
