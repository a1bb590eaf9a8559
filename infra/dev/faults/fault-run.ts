import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSystemParts, TestSystem } from '../e2e/system.js';
import { withDeadLetters } from '../../operations/dead-letters.js';
import { openTestSystem } from '../e2e/live-test-system.js';
import type { LiveSystem } from '../../operations/live-system.js';
import { linesOf, reportOn } from '../../operations/order-report.js';
import { untilQuiet, verify, type InvariantResult } from '../../operations/verify.js';
import { createFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import { startTestService, type TestService } from '../testing/test-service.js';
import { recordFault } from './fault-results.js';
import { currentFile } from './selection.js';
import { startLoad, type LoadOptions, type LoadReport } from './load.js';

export type ServiceName = 'order-api' | 'processor';
export const serviceNames: readonly ServiceName[] = ['order-api', 'processor'];
const linkKinds = ['Postgres', 'RabbitMQ', 'Temporal'] as const;
export type LinkName = `${ServiceName} to ${(typeof linkKinds)[number]}`;
export const linkNames = serviceNames.flatMap((service) => linkKinds.map((kind): LinkName => `${service} to ${kind}`));

export interface Survival {
  /** A short description of the fault for the report, e.g. "the exchange deleted". */
  readonly what: string;
  readonly load?: Partial<LoadOptions>;
  /** How long after the end of the load the system may take to come to rest. Default: a minute. */
  readonly settleLimitMs?: number;
  /** Whether messages may be dead-lettered. */
  readonly mayDeadLetter?: boolean;
  /** Injects the fault and ends it. */
  readonly inject: () => Promise<void>;
}

const usualRate = 50;
const samplingMs = 200;
const beforeMs = 1000;
const afterMs = 1000;

/** Returns how long the system may take to come to rest: a minute, plus the time during which orders piled up. */
export function settleLimitMs(backlogMs: number): number {
  return 60_000 + backlogMs;
}

/** A whole system for one suite of faults. The test can break each link between a service and a server. */
export class FaultRun {
  readonly system: TestSystem;
  readonly #links: Readonly<Record<LinkName, FaultProxy>>;
  /** Every order that this run has accepted. A later fault may not lose an earlier order either. */
  readonly #accepted: string[] = [];
  readonly #processes = new Set<TestService>();
  #verifiedUntil = new Date();

  private constructor(system: TestSystem, links: Readonly<Record<LinkName, FaultProxy>>) {
    this.system = system;
    this.#links = links;
  }

  /** Starts a system whose services reach each server through a fault proxy, and waits until it is healthy. */
  static async start(env: Record<string, string> = {}): Promise<FaultRun> {
    const parts = await createSystemParts();
    const { ordersDb, processorDb, vhost, temporal } = parts;
    const links = await Promise.all(
      linkNames.map(async (name) => {
        const database = name.startsWith('order-api') ? ordersDb.dsn : processorDb.dsn;
        const target = name.endsWith('Postgres')
          ? database
          : name.endsWith('RabbitMQ')
            ? vhost.url
            : `tcp://${temporal.address}`;
        return [name, await createFaultProxy(target)] as const;
      }),
    );
    // Workflows check early, because republished events are one more fault to survive.
    const settings = { APP__CHECK_AFTER_MS: '5000', ...env };
    const system = new TestSystem(parts, settings);
    const run = new FaultRun(system, Object.fromEntries(links) as Record<LinkName, FaultProxy>);
    await Promise.all(serviceNames.map((service) => run.startService(service)));
    await system.healthy();
    return run;
  }

  link(name: LinkName): FaultProxy {
    return this.#links[name];
  }

  /** Starts the service with its links through the fault proxies. */
  async startService(service: ServiceName, env: Record<string, string> = {}): Promise<void> {
    const proxied = {
      APP__DB_DSN: this.#links[`${service} to Postgres`].url,
      APP__RABBITMQ_URL: this.#links[`${service} to RabbitMQ`].url,
      TEMPORAL_ADDRESS: new URL(this.#links[`${service} to Temporal`].url).host,
      ...env,
    };
    await (service === 'order-api' ? this.system.startOrderApi(proxied) : this.system.startProcessor(proxied));
    this.#processes.add(this.serviceOf(service));
  }

  /** Starts one more instance of a service, whose links do not break. The caller stops it. */
  async startBeside(service: ServiceName, env: Record<string, string> = {}): Promise<TestService> {
    const { ordersDb, processorDb, vhost, temporal } = this.system;
    const instance = await startTestService(service, {
      APP__DB_DSN: (service === 'order-api' ? ordersDb : processorDb).dsn,
      APP__RABBITMQ_URL: vhost.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      ...env,
    });
    this.#processes.add(instance);
    return instance;
  }

  serviceOf(service: ServiceName): TestService {
    return service === 'order-api' ? this.system.orderApi : this.system.processor;
  }

  /**
   * Injects the fault while orders come in. Afterwards it checks from outside that every invariant holds for every
   * order that this run has ever accepted, that no message was dead-lettered, and that every client got a clean answer
   * in time. Prints one line.
   * @throws AssertionError when one of these does not hold
   */
  async survives({ what, inject, ...options }: Survival): Promise<LoadReport> {
    const repeatsBefore = this.#repeats();
    const load = startLoad({
      ...{ urlOf: () => this.system.orderApi.url, ordersPerSecond: usualRate, repeat: true },
      ...options.load,
    });
    const pending = this.#watchPending();
    await sleep(beforeMs);
    let report: LoadReport;
    try {
      await inject();
      await sleep(afterMs);
    } finally {
      report = await load.stop();
    }
    const pendingMax = await pending.stop();
    const endedAt = Date.now();
    const live = await openTestSystem(this.system);
    try {
      this.#accepted.push(...report.accepted);
      await untilQuiet(live, options.settleLimitMs ?? settleLimitMs(0));
      const recoveryMs = Date.now() - endedAt;
      const now = new Date();
      const results = await verify(live, { accepted: this.#accepted, historiesSince: this.#verifiedUntil });
      this.#verifiedUntil = now;
      const broken = results.filter(({ violationCount }) => violationCount > 0);
      const deadLettered = await withDeadLetters(live.rabbitmq, async (all) => all.map(({ messageId }) => messageId));
      const problems = [
        ...broken.map(({ id }) => id),
        ...(report.wrong.length > 0 ? [`clean answers (${report.wrong.length}, the first: ${report.wrong[0]})`] : []),
        ...(deadLettered.length > 0 && !options.mayDeadLetter ? ['no message dead-lettered'] : []),
      ];
      recordFault({
        ...{ what, file: currentFile(), orders: report.accepted.length, pendingMax },
        ...{ recoverySeconds: recoveryMs / 1000, slowestResponseSeconds: report.slowestMs / 1000 },
        ...{ repeats: this.#repeats() - repeatsBefore, broken: problems },
      });
      await explain(live, broken);
      assert.deepEqual(broken, []);
      assert.deepEqual(report.wrong, []);
      if (!options.mayDeadLetter) assert.deepEqual(deadLettered, []);
      return report;
    } finally {
      await live.close();
    }
  }

  /** Stops the services, drops what was created for the run, and closes the links. */
  async stop(): Promise<void> {
    await this.system.stop();
    await Promise.all(Object.values(this.#links).map((link) => link.close()));
  }

  /** Samples the maximum number of orders that are pending at once, for as long as they can be counted. */
  #watchPending(): { stop(): Promise<number> } {
    const stopping = new AbortController();
    let max = 0;
    const watching = (async () => {
      while (!stopping.signal.aborted) {
        const { rows } = await this.system.ordersDb.pool
          .query<{ count: number }>(`select count(*)::int as count from orders where status = 'pending'`)
          .catch(() => ({ rows: [] })); // this database may be the one that is down
        max = Math.max(max, rows[0]?.count ?? 0);
        await sleep(samplingMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    })();
    return {
      stop: async () => {
        stopping.abort();
        await watching;
        return max;
      },
    };
  }

  /** Counts the repeated events that the services have logged. */
  #repeats(): number {
    const lines = [...this.#processes].flatMap(({ logs }) => logs);
    return lines.filter((line) => line['repeated'] === true || line['result'] === 'repeated').length;
  }
}

const ordersExplained = 3;

/** Prints the steps of the first three orders that violate an invariant. */
async function explain(live: LiveSystem, broken: readonly InvariantResult[]): Promise<void> {
  const subjects = new Set(broken.flatMap(({ violations }) => violations.map(({ subject }) => subject)));
  for (const subject of [...subjects].slice(0, ordersExplained)) {
    const report = await reportOn(live, subject);
    if (report) console.log(linesOf(report, live.temporal.options.namespace, undefined).join('\n'));
  }
}
