import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../testing/eventually.js';
import { FaultRun, serviceNames } from './fault-run.js';
import { fault } from './selection.js';

const stopLimitMs = 30_000;
const minuteMs = 60_000;
/** The order API accepts this many requests at once, and ten times as many clients send orders without a pause. */
const postsAtOnce = 200;
const overload = { connections: 10 * postsAtOnce, ordersPerSecond: 20_000, repeat: false };

describe('the system under load', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  for (const service of serviceNames) {
    fault(
      `loses no request when ${service} is stopped, which exits cleanly within ${stopLimitMs / 1000} s`,
      { quick: true },
      async () => {
        const { brokenOff } = await run.survives({
          what: `${service} stopped by SIGTERM`,
          inject: async () => {
            const startedAt = Date.now();
            assert.equal(await run.serviceOf(service).stop(), 0);
            assert.ok(Date.now() - startedAt < stopLimitMs);
            await run.startService(service);
          },
        });
        assert.equal(brokenOff, 0, 'requests that broke off');
      },
    );
  }

  fault(
    'loses nothing with two order APIs and three processors that are repeatedly killed and restarted',
    { limitMs: 300_000 },
    async () => {
      const kinds = ['order-api', 'processor', 'processor'] as const;
      const others = await Promise.all(kinds.map((kind) => run.startBeside(kind)));
      await run.survives({
        what: 'one of two order APIs and three processors killed or stopped every 3 s',
        inject: async () => {
          for (let round = 0; round < 8; round += 1) {
            await sleep(1500);
            const index = round % others.length;
            const victim = others[index];
            const kind = kinds[index];
            assert.ok(victim && kind);
            await (round % 2 === 0 ? victim.kill() : victim.stop());
            others[index] = await run.startBeside(kind);
          }
        },
      });
      for (const other of others) assert.equal(await other.stop(), 0);
    },
  );

  fault(
    'loses nothing when the next release, with changed workflow code, runs beside this one and replaces it',
    {},
    async () => {
      const release = fileURLToPath(new URL('changed-workflow.mjs', import.meta.url));
      const next = await run.startBeside('order-api', { NODE_OPTIONS: `--import=${release}` });
      const since = new Date();
      let turn = 0;
      let urls = [run.system.orderApi.url, next.url];
      const { brokenOff } = await run.survives({
        what: 'changed workflow code beside the old, and then alone',
        load: { urlOf: () => urls[(turn += 1) % urls.length] ?? next.url },
        inject: async () => {
          await sleep(5000);
          urls = [next.url];
          await sleep(500); // a load balancer takes the old release out before it is stopped
          assert.equal(await run.serviceOf('order-api').stop(), 0);
          await sleep(3000);
        },
      });
      assert.equal(brokenOff, 0, 'requests that broke off');
      assert.deepEqual(await releasesOf(run, since), new Set(['this', 'next']));
      await run.startService('order-api');
      assert.equal(await next.stop(), 0);
    },
  );

  fault(
    'refuses cleanly, loses nothing and releases its memory at ten times the load that it accepts',
    { limitMs: 600_000 },
    async () => {
      const memory = (): number => memoryOf(run.system.orderApi.pid) + memoryOf(run.system.processor.pid);
      await run.serviceOf('order-api').stop();
      await run.startService('order-api', { APP__POSTS_AT_ONCE: String(postsAtOnce) });
      await run.survives({ what: 'warming up', inject: () => sleep(5000) });
      const before = memory();
      const { refused } = await run.survives({
        what: `${overload.connections} clients of an order API that takes ${postsAtOnce} orders at once, for a minute`,
        load: overload,
        settleLimitMs: 400_000,
        inject: () => sleep(minuteMs),
      });
      assert.ok(refused > 0, 'no request was refused');
      await eventually(
        'memory is released',
        () => assert.ok(memory() < before * 1.5 + 100, `${before} MiB before, ${memory()} now`),
        minuteMs,
      );
    },
  );
});

/** Returns the releases whose code has run workflows that started since then, according to their histories. */
async function releasesOf({ system }: FaultRun, since: Date): Promise<Set<'this' | 'next'>> {
  const { workflow } = system.temporal.client;
  const releases = new Set<'this' | 'next'>();
  for await (const { workflowId, runId, startTime } of workflow.list()) {
    if (startTime < since) continue;
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    const isPatched = (events ?? []).some(
      ({ markerRecordedEventAttributes: marker }) => marker?.markerName === 'core_patch',
    );
    releases.add(isPatched ? 'next' : 'this');
  }
  return releases;
}

function memoryOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
