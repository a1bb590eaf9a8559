import assert from 'node:assert/strict';
import { failpoints, type Failpoint } from '../../runtime/failpoint.js';
import { FaultRun, type ServiceName } from './fault-run.js';
import { fault } from './selection.js';

/** lost-signals.faults.test.ts covers signals. The processor places no orders and starts no workflows. */
const killing = failpoints.filter((point) => point !== 'signal.before');
const pointsOf: Readonly<Record<ServiceName, readonly Failpoint[]>> = {
  'order-api': killing,
  processor: killing.filter((point) => !/^(place|assign|start)\./.test(point)),
};
/**
 * One failpoint for each kind of gap: committed but not started, published but not marked, committed but not
 * acknowledged.
 */
const quick = new Set(['order-api place.after', 'order-api mark.before', 'processor commit.after']);
/** The process dies when it passes its failpoint for the third time, since by then orders are in every stage. */
const passes = 3;

describe('a service that is killed', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  for (const service of ['order-api', 'processor'] as const) {
    for (const point of pointsOf[service]) {
      fault(`at ${point} in ${service} loses nothing`, { quick: quick.has(`${service} ${point}`) }, async () => {
        await run.serviceOf(service).stop();
        await run.startService(service, { APP__FAILPOINT: `${point}:${passes}` });
        await run.survives({
          what: `${service} killed at ${point}`,
          inject: async () => {
            assert.equal(await run.serviceOf(service).ended(60_000), 'SIGKILL');
            await run.startService(service);
          },
        });
      });
    }
  }
});
