import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../testing/fault-proxy.js';
import { FaultRun, linkNames, type LinkName } from './fault-run.js';
import { fault } from './selection.js';

/** A half-open connection is detected after three heartbeats of 5 s with RabbitMQ, and after 45 s with Temporal. */
const halfOpenMs = 20_000;

interface NetworkFault {
  readonly what: string;
  readonly on?: RegExp;
  readonly quick?: LinkName;
  readonly inject: (link: FaultProxy) => Promise<unknown>;
}

const confirmFrame = Buffer.from([0, 60, 0, 80]);
const restore = async (link: FaultProxy, ms: number): Promise<void> => {
  await sleep(ms);
  link.restore();
};

const networkFaults: readonly NetworkFault[] = [
  {
    what: 'cut three times',
    inject: async (link) => {
      for (let times = 0; times < 3; times += 1) {
        link.reset();
        await sleep(500);
      }
    },
  },
  {
    what: 'down for 5 s',
    quick: 'order-api to Postgres',
    inject: (link) => {
      link.down();
      return restore(link, 5000);
    },
  },
  ...(['up', 'down'] as const).map((direction) => ({
    what: `half open and passes nothing ${direction}stream`,
    inject: (link: FaultProxy) => {
      link.freeze(direction);
      return restore(link, halfOpenMs);
    },
  })),
  {
    what: 'frozen',
    inject: (link) => {
      link.freeze();
      return restore(link, halfOpenMs);
    },
  },
  {
    what: 'delayed by 100 to 200 ms',
    inject: (link) => {
      link.limit({ latencyMs: 100 });
      return restore(link, 10_000);
    },
  },
  {
    what: 'limited to 64 KiB a second',
    inject: (link) => {
      link.limit({ latencyMs: 0, bytesPerSecond: 65_536 });
      return restore(link, 10_000);
    },
  },
  {
    what: 'cut just after a COMMIT passes',
    on: /Postgres/,
    quick: 'processor to Postgres',
    inject: (link) => link.resetAt('up', (bytes) => bytes.includes('commit\0'), true),
  },
  {
    what: 'cut just before a COMMIT passes',
    on: /Postgres/,
    inject: (link) => link.resetAt('up', (bytes) => bytes.includes('commit\0'), false),
  },
  {
    what: 'cut just after an order is placed',
    on: /order-api to Postgres/,
    inject: (link) => link.resetAt('up', (bytes) => bytes.includes('place-orders'), true),
  },
  {
    what: 'cut just before a confirm passes',
    on: /RabbitMQ/,
    inject: (link) => link.resetAt('down', (bytes) => bytes.includes(confirmFrame), false),
  },
];

describe('the system under load', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  for (const { what, on = /./, quick, inject } of networkFaults) {
    for (const name of linkNames.filter((each) => on.test(each))) {
      fault(`loses nothing when the link from ${name} is ${what}`, { quick: quick === name }, async () => {
        await run.survives({
          what: `${name}: ${what}`,
          inject: async () => void (await inject(run.link(name))),
        });
      });
    }
  }
});
