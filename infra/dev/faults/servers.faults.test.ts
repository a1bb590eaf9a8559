import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { eventually } from '../testing/eventually.js';
import { testServers, type StoppableServer } from '../testing/test-servers.js';
import { FaultRun, settleLimitMs } from './fault-run.js';
import { fault, seed } from './selection.js';

const servers = {
  'Postgres of the order API': () => testServers().ordersDb.server,
  'Postgres of the processor': () => testServers().processorDb.server,
  RabbitMQ: () => testServers().rabbitmq.server,
  Temporal: () => testServers().temporal.server,
} as const;
type ServerName = keyof typeof servers;
const names = Object.keys(servers) as ServerName[];
const diskFullMs = 10_000;

describe('the system under load', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  /** Skips the test when the server was given by the environment, because tests may not kill such a server. */
  function requireOwnServer(context: Mocha.Context, name: ServerName): StoppableServer {
    const server = servers[name]();
    if (!server) context.skip();
    return server;
  }

  for (const name of names) {
    for (const [downMs, quick] of [
      [0, name === 'RabbitMQ'],
      [10_000, false],
      [120_000, false],
    ] as const) {
      const downtime = downMs === 0 ? 'and restarted at once' : `and down for ${downMs / 1000} s`;
      fault(`loses no order when ${name} is killed ${downtime}`, { quick, limitMs: 400_000 }, async function () {
        const server = requireOwnServer(this, name);
        const { refused, brokenOff } = await run.survives({
          what: `${name} killed ${downtime}`,
          settleLimitMs: settleLimitMs(downMs),
          inject: async () => {
            await server.kill();
            await sleep(downMs);
            await server.start();
          },
        });
        // Orders are accepted throughout, except while the order API's Postgres is down.
        if (name === 'Postgres of the order API') assert.ok(refused > 0);
        else assert.equal(refused + brokenOff, 0);
      });
    }
  }

  fault('loses no order when all servers are killed and started in any order', { limitMs: 400_000 }, async function () {
    const all = names.map((name) => requireOwnServer(this, name));
    const anyOrder = fc.shuffledSubarray(all, { minLength: all.length });
    for (const order of fc.sample(anyOrder, { seed, numRuns: 3 })) {
      await run.survives({
        what: `all servers killed, started as ${order.map(({ name }) => name).join(', ')}`,
        inject: async () => {
          await Promise.all(all.map((server) => server.kill()));
          for (const server of order) {
            await server.start();
            await sleep(500);
          }
        },
      });
    }
  });

  fault("loses no order while RabbitMQ's disk is full", {}, async function () {
    const { server } = testServers().rabbitmq;
    if (!server) return this.skip();
    await run.survives({
      what: `RabbitMQ's disk is full for ${diskFullMs / 1000} s`,
      inject: async () => {
        await server.setDiskFull(true);
        await sleep(diskFullMs);
        await server.setDiskFull(false);
      },
    });
  });

  for (const [name, database, table] of [
    ['Postgres of the order API', 'ordersDb', 'orders'],
    ['Postgres of the processor', 'processorDb', 'processing_states'],
  ] as const) {
    fault(`loses no order while the disk of ${name} is full`, {}, async () => {
      const { pool } = run.system[database];
      await run.survives({
        what: `the disk of ${name} is full for ${diskFullMs / 1000} s`,
        inject: async () => {
          // Postgres reports this error when it cannot extend a table's file.
          await pool.query(
            `create function refuse() returns trigger language plpgsql as
             $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
             create trigger refuse before insert on ${table} for each row execute function refuse()`,
          );
          await sleep(diskFullMs);
          await pool.query('drop function refuse cascade');
        },
      });
    });
  }

  fault('loses no order when Temporal is killed and its data is wiped', {}, async function () {
    const { wipe } = testServers().temporal;
    if (!wipe) return this.skip();
    await run.survives({
      what: 'Temporal killed and its data wiped',
      inject: async () => {
        await wipe();
        await eventually('the namespace exists', () => run.system.temporal.restore());
      },
    });
  });

  for (const [what, resource] of [
    ['the queue of the processor', 'queues/processor.order-created'],
    ['the queue of the order API', 'queues/order-api.order-processed'],
    ['the exchange', 'exchanges/orders'],
    ['the binding of the processor', 'bindings/e/orders/q/processor.order-created/order.created'],
  ] as const) {
    fault(
      `loses no order when ${what} is deleted`,
      { quick: resource.endsWith('order-created') && resource.startsWith('queues') },
      async () => {
        await run.survives({
          what: `${what} deleted`,
          inject: async () => void (await run.system.vhost.request('DELETE', resource)),
        });
      },
    );
  }
});
