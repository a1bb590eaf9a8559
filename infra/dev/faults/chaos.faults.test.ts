import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { testServers } from '../testing/test-servers.js';
import { FaultRun, linkNames, serviceNames } from './fault-run.js';
import { fault, seed } from './selection.js';

const minimumMs = 300_000;
const faultsEachRound = 4;
/**
 * How long a deleted queue is left alone afterwards. If RabbitMQ 3.10 is killed within a second after a deleted queue
 * is declared again, it comes back with a queue that has no process; see docs/guarantees.md. It was measured when the
 * kill came 400 to 1000 ms after the deletion, and never from 1500 ms on.
 */
const queueIsKeptMs = 3000;
/** Five minutes have room for far fewer rounds. */
const maxRounds = 100;

const anyLink = fc.constantFrom(...linkNames);
const anyFault = fc.oneof(
  fc.record({ kind: fc.constant('kill' as const), service: fc.constantFrom(...serviceNames) }),
  fc.record({ kind: fc.constant('break' as const), link: anyLink, forMs: fc.integer({ min: 500, max: 4000 }) }),
  fc.record({ kind: fc.constant('freeze' as const), link: anyLink, forMs: fc.integer({ min: 1000, max: 8000 }) }),
  fc.record({ kind: fc.constant('slow' as const), link: anyLink, delayMs: fc.integer({ min: 20, max: 300 }) }),
  fc.record({
    kind: fc.constant('kill server' as const),
    server: fc.constantFrom('ordersDb' as const, 'processorDb' as const, 'rabbitmq' as const, 'temporal' as const),
    forMs: fc.integer({ min: 0, max: 5000 }),
  }),
  fc.record({
    kind: fc.constant('delete queue' as const),
    queue: fc.constantFrom('processor.order-created', 'order-api.order-processed'),
  }),
);
type Fault = typeof anyFault extends fc.Arbitrary<infer T> ? T : never;

describe('the system under load', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  fault('loses nothing in five minutes of random faults', { limitMs: 900_000 }, async () => {
    console.log(`      CHAOS_SEED=${seed} replays this run`);
    const round = fc.array(anyFault, { minLength: faultsEachRound, maxLength: faultsEachRound });
    const rounds = fc.sample(round, { seed, numRuns: maxRounds });
    const startedAt = Date.now();
    for (const faults of rounds) {
      if (Date.now() - startedAt > minimumMs) return;
      await run.survives({
        what: faults.map((each) => Object.values(each).join(' ')).join(', '),
        inject: async () => {
          for (const each of faults) await inject(each);
        },
      });
    }
  });

  async function inject(each: Fault): Promise<void> {
    switch (each.kind) {
      case 'kill':
        await run.serviceOf(each.service).kill();
        return run.startService(each.service);
      case 'break':
        run.link(each.link).down();
        await sleep(each.forMs);
        run.link(each.link).restore();
        return;
      case 'freeze':
        run.link(each.link).freeze();
        await sleep(each.forMs);
        run.link(each.link).restore();
        return;
      case 'slow':
        run.link(each.link).limit({ latencyMs: each.delayMs });
        await sleep(3000);
        run.link(each.link).restore();
        return;
      case 'kill server': {
        const { server } = testServers()[each.server];
        await server?.kill();
        await sleep(each.forMs);
        return server?.start();
      }
      case 'delete queue':
        await run.system.vhost.request('DELETE', `queues/${each.queue}`);
        await sleep(queueIsKeptMs);
    }
  }
});
